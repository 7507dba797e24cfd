import type { Job } from '../../api/jobs'
import type { Place } from './databases'
import { part, sendOwn, type Query } from './v1'

const UPLOAD_TIMEOUT_MS = 15 * 60_000

export const IMPORT_MAX_BYTES = 100 * 1024 * 1024

export interface ImportCounts {
  imported: number
  overwritten: number
  skipped: number
  rejected: number
  /** The first ones only */
  rejections: { line: number, message: string }[]
}

export type Conflict = 'skip' | 'overwrite'

const at = ({ project, database, collection }: Place, rest: string): string =>
  `/databases/${[project, database, collection].map(part).join('/')}/${rest}`

export function startImport(
  place: Place, file: File, conflict: Conflict, signal: AbortSignal,
): Promise<Job<ImportCounts>> {
  const form = new FormData()
  form.append('file', file)
  return sendOwn(at(place, `import?on_conflict=${conflict}`), {
    method: 'POST', form, signal, timeoutMs: UPLOAD_TIMEOUT_MS,
  })
}

export const startExport = (
  place: Place, format: 'csv' | 'jsonl', filters: readonly Query[], signal: AbortSignal,
): Promise<Job> => sendOwn(at(place, 'export'), {
  method: 'POST',
  json: { format, queries: filters.map((query) => JSON.stringify(query)) },
  signal,
})
