import type { Attribute } from '../api/databaseTypes'

/** The kinds of attributes, as the contract's paths name them. */
export const KINDS = [
  'string', 'integer', 'float', 'boolean', 'datetime', 'enum', 'email', 'url', 'ip',
  'relationship', 'point', 'line', 'polygon',
] as const

export type Kind = (typeof KINDS)[number]

const TEXTS: ReadonlySet<Kind> = new Set<Kind>(['string', 'enum', 'email', 'url', 'ip'])
const NUMBERS: ReadonlySet<Kind> = new Set<Kind>(['integer', 'float'])
const GEOMETRIES: ReadonlySet<Kind> = new Set<Kind>(['point', 'line', 'polygon'])

/** Numbers that JavaScript holds exactly; without a limit the server has none of its own. */
export const INTEGER_MAX = 9_007_199_254_740_991

export const SIZE_MAX = 1_073_741_824

/** Types that answers name otherwise than the paths do. */
const RENAMED: Readonly<Record<string, Kind>> = { double: 'float', linestring: 'line' }

export function kindOf(attribute: Attribute): Kind {
  if (attribute.type === 'string' && attribute.format) return attribute.format as Kind
  return RENAMED[attribute.type] ?? attribute.type as Kind
}

export const isText = (kind: Kind): boolean => TEXTS.has(kind)
export const isNumber = (kind: Kind): boolean => NUMBERS.has(kind)
export const isGeometry = (kind: Kind): boolean => GEOMETRIES.has(kind)

/** Whether several documents can be on the other side. */
export function isToMany(attribute: Attribute): boolean {
  const type = attribute.relationType
  if (type === 'manyToMany') return true
  return attribute.side === 'child' ? type === 'manyToOne' : type === 'oneToMany'
}

/** What the server keeps as the limit of numbers that have none. */
export const isLimit = (value: number | null | undefined): value is number =>
  typeof value === 'number' && Math.abs(value) < INTEGER_MAX

/** A type as it is named in lists, such as `string[]`. */
export const typeText = (attribute: Attribute): string =>
  kindOf(attribute) + (attribute.array ? '[]' : '')
