import type { ApiError } from '../../api/http'
import { errorText } from '../../composables/errorText'
import { i18n } from '../../composables/i18n'

/** Refusals whose reason is only in the server's own words. */
const IN_SERVER_WORDS = new Set([
  'general_argument_invalid',
  'general_bad_request',
  'general_query_invalid',
  'project_smtp_config_invalid',
])

export function failureText(error: ApiError): string {
  if (!IN_SERVER_WORDS.has(error.type)) return errorText(error)
  return i18n.global.t('errors.refused', { reason: error.message })
}
