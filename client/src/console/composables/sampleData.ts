import type { Attribute } from '../api/databaseTypes'
import { isLimit, kindOf } from './attributeKinds'
import { settable } from './documentValues'

const TEXTS: Readonly<Record<string, unknown>> = {
  string: 'Hello', email: 'ann@example.com', url: 'https://example.com', ip: '192.0.2.1',
  boolean: true, point: [2.35, 48.86], line: [[2.35, 48.86], [13.4, 52.52]],
  polygon: [[[0, 0], [0, 1], [1, 1], [0, 0]]],
}

function sample(attribute: Attribute): unknown {
  const kind = kindOf(attribute)
  if (kind === 'enum') return attribute.elements?.[0] ?? ''
  if (kind === 'datetime') return new Date(0).toISOString()
  if (kind === 'integer') return isLimit(attribute.min) ? attribute.min : 1
  if (kind === 'float') return isLimit(attribute.min) ? attribute.min : 1.5
  return TEXTS[kind] ?? ''
}

const MANY = 5

/** Values that a collection accepts, for an example: what it needs, then a few others. */
export function sampleData(attributes: readonly Attribute[]): Record<string, unknown> {
  const plain = settable(attributes).filter((attribute) => attribute.type !== 'relationship')
  const needed = plain.filter((attribute) => attribute.required)
  const others = plain.filter((attribute) => !attribute.required)
  const shown = [...needed, ...others.slice(0, Math.max(0, MANY - needed.length))]
  return Object.fromEntries(shown.map((attribute) => {
    const value = sample(attribute)
    return [attribute.key, attribute.array ? [value] : value]
  }))
}
