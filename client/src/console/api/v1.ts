import { asApiError, request, type RequestOptions } from '../../api/http'
import { i18n } from '../../composables/i18n'

/** The project of the operators' own accounts. */
export const CONSOLE = 'console'

/** What client libraries send for an id that the server shall choose. */
export const UNIQUE = 'unique()'

export type Query = Readonly<{ method: string, attribute?: string, values?: readonly unknown[] }>

let onRefused: (() => void) | null = null

/** Say what happens when an answer means that nobody is signed in any more. */
export function watchRefusals(listener: () => void): void {
  onRefused = listener
}

/** A request in a project; in any but the console's own, as one of its administrators. */
export async function send<T>(project: string, path: string, options: RequestOptions = {}): Promise<T> {
  const headers: Record<string, string> = {
    'X-Appwrite-Project': project,
    'X-Appwrite-Locale': i18n.global.locale.value,
  }
  if (project !== CONSOLE) headers['X-Appwrite-Mode'] = 'admin'
  return watched(request<T>(`/v1${path}`, { ...options, headers }))
}

/** A request to what only the console has. */
export function sendOwn<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return watched(request<T>(`/api${path}`, options))
}

async function watched<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (reason) {
    if (asApiError(reason).status === 401) onRefused?.()
    throw reason
  }
}

export const limit = (count: number): Query => ({ method: 'limit', values: [count] })
export const offset = (count: number): Query => ({ method: 'offset', values: [count] })
export const equal = (attribute: string, value: unknown): Query =>
  ({ method: 'equal', attribute, values: [value] })
export const orderDesc = (attribute: string): Query => ({ method: 'orderDesc', attribute })

/** The query string of a list, as the client libraries write it. */
export function listPath(path: string, queries: readonly Query[], search = ''): string {
  const parameters = new URLSearchParams()
  queries.forEach((query, index) => { parameters.append(`queries[${index}]`, JSON.stringify(query)) })
  if (search) parameters.set('search', search)
  const text = parameters.toString()
  return text ? `${path}?${text}` : path
}

/** One part of a path. */
export const part = encodeURIComponent
