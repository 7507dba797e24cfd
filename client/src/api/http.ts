const DEFAULT_TIMEOUT_MS = 20_000

/** Types for failures the server could not describe itself. */
const TYPE_BY_STATUS: Readonly<Record<number, string>> = {
  413: 'general_payload_too_large',
  429: 'general_rate_limit_exceeded',
  502: 'client_bad_gateway',
  503: 'general_service_unavailable',
  504: 'client_gateway_timeout',
}

interface ErrorDetails {
  type: string
  message?: string
  status?: number
  retryAfter?: number | null
  requestId?: string | null
}

interface ErrorBody {
  type: string
  message: string
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  headers?: Readonly<Record<string, string>>
  json?: unknown
  form?: FormData
  signal?: AbortSignal
  timeoutMs?: number
}

export class ApiError extends Error {
  readonly type: string
  /** 0 when no response arrived. */
  readonly status: number
  /** Seconds to wait before the next attempt, if the server said so. */
  readonly retryAfter: number | null
  readonly requestId: string | null

  constructor(details: ErrorDetails) {
    super(details.message ?? '')
    this.name = 'ApiError'
    this.type = details.type
    this.status = details.status ?? 0
    this.retryAfter = details.retryAfter ?? null
    this.requestId = details.requestId ?? null
  }
}

/** Narrows a caught value; anything else is a programming error and must surface. */
export function asApiError(reason: unknown): ApiError {
  if (reason instanceof ApiError) return reason
  throw reason
}

/** The answer's JSON; an answer of 204 has none, so `T` is void there. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options)
  if (!response.ok) throw await errorFrom(response)
  if (response.status === 204) return undefined as T
  try {
    return (await response.json()) as T
  } catch {
    throw new ApiError({
      type: 'client_invalid_response',
      status: response.status,
      requestId: response.headers.get('X-Request-Id'),
    })
  }
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  const controller = new AbortController()
  const abort = (): void => { controller.abort() }
  const timer = setTimeout(abort, options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
  options.signal?.addEventListener('abort', abort, { once: true })
  try {
    return await fetch(path, { ...init(options), signal: controller.signal })
  } catch {
    throw new ApiError({ type: failureType(options.signal, controller.signal) })
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', abort)
  }
}

function init(options: RequestOptions): RequestInit {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers }
  let body: BodyInit | undefined = options.form
  if (options.json !== undefined) {
    headers['Content-Type'] = 'application/json'
    body = JSON.stringify(options.json)
  }
  return { method: options.method ?? 'GET', headers, body, cache: 'no-store' }
}

function failureType(asked: AbortSignal | undefined, used: AbortSignal): string {
  if (asked?.aborted) return 'client_aborted'
  return used.aborted ? 'client_timeout' : 'client_network'
}

async function errorFrom(response: Response): Promise<ApiError> {
  const body = await errorBody(response)
  return new ApiError({
    type: body?.type ?? TYPE_BY_STATUS[response.status] ?? 'client_http',
    message: body?.message ?? `HTTP ${response.status}`,
    status: response.status,
    retryAfter: parseRetryAfter(response.headers.get('Retry-After')),
    requestId: response.headers.get('X-Request-Id'),
  })
}

async function errorBody(response: Response): Promise<ErrorBody | null> {
  try {
    const body: unknown = await response.json()
    return isErrorBody(body) ? body : null
  } catch {
    return null
  }
}

function isErrorBody(body: unknown): body is ErrorBody {
  return typeof body === 'object' && body !== null
    && 'type' in body && typeof body.type === 'string'
    && 'message' in body && typeof body.message === 'string'
}

/** The header holds either seconds or an HTTP date. */
function parseRetryAfter(value: string | null): number | null {
  if (!value) return null
  const seconds = /^\d+$/.test(value)
    ? Number(value)
    : Math.ceil((Date.parse(value) - Date.now()) / 1000)
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null
}
