import type { ApiError } from '../api/http'
import { IMPORT_MAX_BYTES } from '../api/jobs'
import { i18n } from './i18n'
import { formatBytes } from './useFormat'

/** Anything that names its kind: a failed request or the error of a job. */
interface Described {
  type: string
  message: string
}

export function errorText(error: Described): string {
  const { t, te } = i18n.global
  const key = `errors.${error.type}`
  if (te(key)) return t(key, { limit: formatBytes(IMPORT_MAX_BYTES) })
  return error.message || t('errors.unknown')
}

export function waitText(seconds: number): string {
  const { t } = i18n.global
  return seconds > 0 ? t('errors.wait', { seconds }, seconds) : t('errors.waitOver')
}

/** Everything in one line, for places without room for a live countdown. */
export function errorLine(error: ApiError): string {
  return error.retryAfter === null
    ? errorText(error)
    : `${errorText(error)} ${waitText(error.retryAfter)}`
}

/** Support can look a server fault up by its request id. */
export function faultId(error: ApiError): string | null {
  return error.status >= 500 ? error.requestId : null
}
