import type { ApiError } from '../../api/http'
import { errorText } from '../../composables/errorText'
import { i18n } from '../../composables/i18n'
import { formatBytes } from '../../composables/useFormat'
import { IMPORT_MAX_BYTES } from '../api/transfers'

/** Refusals whose reason is only in the server's own words. */
const IN_SERVER_WORDS = new Set([
  'general_argument_invalid',
  'general_bad_request',
  'project_smtp_config_invalid',
])

export function failureText(error: ApiError): string {
  const { t } = i18n.global
  if (error.type === 'general_query_invalid') return t('errors.query', { reason: error.message })
  // The board's files are smaller.
  if (error.type === 'general_payload_too_large') return t(`errors.${error.type}`, { limit: formatBytes(IMPORT_MAX_BYTES) })
  if (!IN_SERVER_WORDS.has(error.type)) return errorText(error)
  return t('errors.refused', { reason: error.message })
}
