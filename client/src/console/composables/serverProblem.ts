import type { ApiError } from '../../api/http'
import type { Attribute } from '../api/databaseTypes'
import type { Problems } from './useForm'

const ABOUT_VALUES = new Set([
  'document_invalid_structure', 'document_missing_data', 'attribute_value_invalid',
  'relationship_value_invalid', 'general_argument_invalid',
])

/** A refusal that names an attribute belongs at its field. */
export function serverProblem(error: ApiError | null, attributes: readonly Attribute[]): Problems {
  if (!error || !ABOUT_VALUES.has(error.type)) return {}
  const named = attributes.find(({ key }) => [`"${key}"`, `'${key}'`, `“${key}”`, `\`${key}\``]
    .some((quoted) => error.message.includes(quoted)))
  return named ? { [named.key]: error.message } : {}
}
