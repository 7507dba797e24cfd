import type { Attribute, Document } from '../api/databaseTypes'
import { i18n } from '../../composables/i18n'
import { isGeometry, isToMany, kindOf } from './attributeKinds'
import type { Problems } from './useForm'

export type Values = Record<string, unknown>

const { t } = i18n.global

/** The attributes that a form can set. */
export const settable = (attributes: readonly Attribute[]): Attribute[] =>
  attributes.filter((attribute) => attribute.status === 'available')

/** Related documents come whole when they were asked for; forms and JSON show their ids. */
export function idsOnly(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(idsOnly)
  if (typeof value === 'object' && value !== null && '$id' in value) return value.$id
  return value
}

export function valuesOf(attributes: readonly Attribute[], document: Document | null): Values {
  return Object.fromEntries(settable(attributes).map((attribute) => [
    attribute.key,
    document ? idsOnly(document[attribute.key] ?? null) : attribute.default ?? null,
  ]))
}

/** Only what differs: what somebody else changed meanwhile stays. */
export function changesOf(before: Values, after: Values): Values {
  const isSame = (key: string): boolean =>
    JSON.stringify(before[key] ?? null) === JSON.stringify(after[key] ?? null)
  return Object.fromEntries(Object.entries(after).filter(([key]) => !isSame(key)))
}

/** A new document leaves out what is not set, so that defaults are the server's. */
export function withoutNulls(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null))
}

/** What is wrong with values, by the attribute's key; the server checks all of it again. */
export function problemsOf(attributes: readonly Attribute[], values: Values): Problems {
  const known = new Map(settable(attributes).map((attribute) => [attribute.key, attribute]))
  const problems: Record<string, string> = {}
  for (const key of Object.keys(values)) if (!known.has(key)) problems[key] = t('documents.unknownKey')
  for (const [key, attribute] of known) {
    const problem = problemOf(attribute, values[key] ?? null)
    if (problem) problems[key] = problem
  }
  return problems
}

function problemOf(attribute: Attribute, value: unknown): string {
  const isRelation = kindOf(attribute) === 'relationship'
  if (value === null) return attribute.required && !isRelation ? t('check.required') : ''
  if (isRelation) return relationProblem(attribute, value)
  if (!attribute.array) return singleProblem(attribute, value)
  if (!Array.isArray(value)) return t('documents.notList')
  const problems = value.map((each) => singleProblem(attribute, each))
  const first = problems.findIndex(Boolean)
  return first < 0 ? '' : t('documents.inList', { number: first + 1, problem: problems[first] ?? '' })
}

function relationProblem(attribute: Attribute, value: unknown): string {
  const isOne = (each: unknown): boolean =>
    (typeof each === 'string' && each !== '') || (typeof each === 'object' && each !== null)
  const isRight = isToMany(attribute) ? Array.isArray(value) && value.every(isOne) : isOne(value)
  return isRight ? '' : t(isToMany(attribute) ? 'documents.notIds' : 'documents.notId')
}

const FORMATS: Readonly<Record<string, RegExp>> = {
  email: /^\S+@\S+$/,
  url: /^[a-z][a-z0-9+.-]*:\/\/\S+$/i,
  ip: /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)$/i,
}

function singleProblem(attribute: Attribute, value: unknown): string {
  const kind = kindOf(attribute)
  if (kind === 'integer' || kind === 'float') return numberProblem(attribute, value)
  if (kind === 'boolean') return typeof value === 'boolean' ? '' : t('documents.notBoolean')
  if (isGeometry(kind)) return isCoordinates(kind, value) ? '' : t(`documents.not.${kind}`)
  if (typeof value !== 'string') return t('documents.notText')
  if (kind === 'datetime') return Number.isNaN(Date.parse(value)) ? t('documents.notTime') : ''
  if (kind === 'enum') {
    const elements = attribute.elements ?? []
    return elements.includes(value) ? '' : t('documents.notElement', { list: elements.join(', ') })
  }
  if (kind === 'string') {
    const length = [...value].length
    const size = attribute.size ?? Infinity
    return length > size ? t('documents.tooLong', { length, size }) : ''
  }
  return FORMATS[kind]?.test(value) === false ? t(`documents.not.${kind}`) : ''
}

function numberProblem({ type, min, max }: Attribute, value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return t('documents.notNumber')
  if (type === 'integer' && !Number.isInteger(value)) return t('documents.notWhole')
  if (typeof min === 'number' && value < min) return t('documents.tooSmall', { min })
  return typeof max === 'number' && value > max ? t('documents.tooBig', { max }) : ''
}

const isPoint = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every((each) => Number.isFinite(each))
const isLine = (value: unknown): boolean =>
  Array.isArray(value) && value.length >= 2 && value.every(isPoint)

function isCoordinates(kind: string, value: unknown): boolean {
  if (kind === 'point') return isPoint(value)
  if (kind === 'line') return isLine(value)
  return Array.isArray(value) && value.length > 0 && value.every(isLine)
}
