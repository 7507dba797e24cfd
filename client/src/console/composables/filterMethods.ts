import type { Attribute } from '../api/databaseTypes'
import { isGeometry, isNumber, isText, kindOf, type Kind } from './attributeKinds'

/** What a filter compares with: nothing, one value, or two. */
export const VALUE_COUNTS: Readonly<Record<string, 0 | 1 | 2>> = {
  equal: 1, notEqual: 1, lessThan: 1, lessThanEqual: 1, greaterThan: 1, greaterThanEqual: 1,
  between: 2, isNull: 0, isNotNull: 0, contains: 1, startsWith: 1, endsWith: 1, search: 1,
}

const COMPARED = ['greaterThan', 'greaterThanEqual', 'lessThan', 'lessThanEqual', 'between']
const NULLS = ['isNull', 'isNotNull']

/** The times and the id that every document has, as attributes to filter and to sort by. */
export const SYSTEM: readonly Attribute[] = [
  { key: '$id', type: 'string', status: 'available', error: '', required: true },
  { key: '$createdAt', type: 'datetime', status: 'available', error: '', required: true },
  { key: '$updatedAt', type: 'datetime', status: 'available', error: '', required: true },
]

export const isSystem = (key: string): boolean => key.startsWith('$')

/** The ways in which an attribute can be filtered, the most usual first. */
export function methodsOf(attribute: Attribute, hasFulltext: boolean): string[] {
  const kind = kindOf(attribute)
  if (isGeometry(kind)) return NULLS
  if (kind === 'relationship') return ['equal', ...NULLS]
  if (attribute.array) return ['contains', ...NULLS]
  const nulls = isSystem(attribute.key) ? [] : NULLS
  if (kind === 'boolean') return ['equal', ...nulls]
  if (kind === 'datetime') return [...COMPARED, 'equal', ...nulls]
  if (isNumber(kind)) return ['equal', 'notEqual', ...COMPARED, ...nulls]
  const texts = attribute.key === '$id' || kind === 'enum' ? [] : ['startsWith', 'endsWith', 'contains']
  return ['equal', 'notEqual', ...texts, ...(hasFulltext ? ['search'] : []), ...nulls]
}

/** What is typed into a filter, as the attribute's value; `undefined` when it is none. */
export function valueOf(kind: Kind, text: string): unknown {
  if (isNumber(kind)) {
    const number = Number(text)
    if (text.trim() === '' || Number.isNaN(number)) return undefined
    return kind === 'integer' && !Number.isInteger(number) ? undefined : number
  }
  if (kind === 'boolean') return text === 'true'
  if (kind === 'datetime') {
    const time = new Date(text)
    return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
  }
  return isText(kind) && text === '' ? undefined : text
}
