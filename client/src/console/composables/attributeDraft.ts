import { reactive, toRaw } from 'vue'
import type { Attribute, OnDelete, RelationType } from '../api/databaseTypes'
import { i18n } from '../../composables/i18n'
import { INTEGER_MAX, isGeometry, isLimit, isNumber, kindOf, SIZE_MAX, type Kind } from './attributeKinds'
import { problemsOf } from './documentValues'
import type { Problems } from './useForm'

const { t } = i18n.global

export interface AttributeDraft {
  kind: Kind
  key: string
  required: boolean
  array: boolean
  default: unknown
  size: string
  encrypt: boolean
  min: string
  max: string
  /** One a line */
  elements: string
  related: string
  relationType: RelationType
  twoWay: boolean
  twoWayKey: string
  onDelete: OnDelete
}

const SIZE_DEFAULT = '255'
const ENCRYPTED_SIZE_MIN = 150

export function draftOf(attribute: Attribute | null): AttributeDraft {
  return reactive({
    kind: attribute ? kindOf(attribute) : 'string',
    key: attribute?.key ?? '',
    required: attribute?.required ?? false,
    array: attribute?.array ?? false,
    default: attribute?.default ?? null,
    size: attribute?.size ? String(attribute.size) : SIZE_DEFAULT,
    encrypt: attribute?.encrypt ?? false,
    min: isLimit(attribute?.min) ? String(attribute.min) : '',
    max: isLimit(attribute?.max) ? String(attribute.max) : '',
    elements: attribute?.elements?.join('\n') ?? '',
    related: attribute?.relatedCollection ?? '',
    relationType: attribute?.relationType ?? 'oneToOne',
    twoWay: attribute?.twoWay ?? false,
    twoWayKey: attribute?.twoWayKey ?? '',
    onDelete: attribute?.onDelete ?? 'restrict',
  })
}

export const elementsOf = (draft: AttributeDraft): string[] =>
  [...new Set(draft.elements.split('\n').map((line) => line.trim()).filter(Boolean))]

const numberOf = (text: string): number | null => (text.trim() === '' ? null : Number(text))

/** The draft as the attribute that it would be, for the field of its default. */
export function attributeOf(draft: AttributeDraft): Attribute {
  const isPlain = !['string', 'enum', 'email', 'url', 'ip'].includes(draft.kind)
  return {
    key: 'default',
    type: isPlain ? draft.kind : 'string',
    format: isPlain || draft.kind === 'string' ? '' : draft.kind,
    status: 'available',
    error: '',
    required: false,
    array: draft.array,
    size: Number(draft.size) || undefined,
    min: numberOf(draft.min),
    max: numberOf(draft.max),
    elements: elementsOf(draft),
  }
}

/** The options that a kind has; an array and what is needed have no default. */
export const hasDefault = (draft: AttributeDraft): boolean =>
  draft.kind !== 'relationship' && !draft.required && !draft.array
export const hasArray = (draft: AttributeDraft): boolean =>
  draft.kind !== 'relationship' && !isGeometry(draft.kind)

/** What is sent; `before` is the attribute that is changed, by its key. */
export function bodyOf(draft: AttributeDraft, before: Attribute | null): object {
  const key = draft.key.trim()
  const name = before ? (key === before.key ? {} : { newKey: key }) : { key }
  if (draft.kind === 'relationship') return { ...name, ...relationBody(draft, before) }
  const limits = isNumber(draft.kind) ? limitsOf(draft) : {}
  return {
    ...name,
    required: draft.required,
    default: hasDefault(draft) ? toRaw(draft.default) : null,
    ...(!before && hasArray(draft) ? { array: draft.array } : {}),
    ...(draft.kind === 'string' ? { size: Number(draft.size) } : {}),
    ...(draft.kind === 'string' && !before ? { encrypt: draft.encrypt } : {}),
    ...(draft.kind === 'enum' ? { elements: elementsOf(draft) } : {}),
    ...limits,
  }
}

function limitsOf(draft: AttributeDraft): object {
  const [min, max] = [numberOf(draft.min), numberOf(draft.max)]
  return { ...(min === null ? {} : { min }), ...(max === null ? {} : { max }) }
}

function relationBody(draft: AttributeDraft, before: Attribute | null): object {
  if (before) return { onDelete: draft.onDelete }
  return {
    relatedCollectionId: draft.related,
    type: draft.relationType,
    twoWay: draft.twoWay,
    ...(draft.twoWay && draft.twoWayKey.trim() ? { twoWayKey: draft.twoWayKey.trim() } : {}),
    onDelete: draft.onDelete,
  }
}

const isKey = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$/.test(text)

export function problemsOfDraft(draft: AttributeDraft, taken: ReadonlySet<string>): Problems {
  const key = draft.key.trim()
  const isRelation = draft.kind === 'relationship'
  return {
    key: !isKey(key) ? t('attributes.badKey') : taken.has(key) ? t('attributes.takenKey') : '',
    size: draft.kind === 'string' ? sizeProblem(draft) : '',
    elements: draft.kind === 'enum' && elementsOf(draft).length === 0 ? t('attributes.noElements') : '',
    ...(isNumber(draft.kind) ? limitProblems(draft) : {}),
    related: isRelation && !draft.related ? t('attributes.noRelated') : '',
    twoWayKey: isRelation && draft.twoWay && draft.twoWayKey.trim() && !isKey(draft.twoWayKey.trim()) ? t('attributes.badKey') : '',
    default: hasDefault(draft) ? problemsOf([attributeOf(draft)], { default: draft.default }).default ?? '' : '',
  }
}

function sizeProblem(draft: AttributeDraft): string {
  const least = draft.encrypt ? ENCRYPTED_SIZE_MIN : 1
  const size = /^\d+$/.test(draft.size.trim()) ? Number(draft.size) : 0
  return size >= least && size <= SIZE_MAX ? '' : t('check.whole', { least, most: SIZE_MAX })
}

function limitProblems(draft: AttributeDraft): Problems {
  const check = (text: string): string => {
    const number = numberOf(text)
    if (number === null) return ''
    if (Number.isNaN(number)) return t('documents.notNumber')
    if (draft.kind === 'integer' && !Number.isInteger(number)) return t('documents.notWhole')
    return Math.abs(number) > INTEGER_MAX && draft.kind === 'integer' ? t('documents.tooBig', { max: INTEGER_MAX }) : ''
  }
  const [min, max] = [numberOf(draft.min), numberOf(draft.max)]
  const crossed = min !== null && max !== null && min > max ? t('attributes.crossed') : ''
  return { min: check(draft.min), max: check(draft.max) || crossed }
}
