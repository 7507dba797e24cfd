import { request } from './http'

const UPLOAD_TIMEOUT_MS = 120_000

export const IMPORT_MAX_BYTES = 4 * 1024 * 1024

export type ExportFormat = 'csv' | 'jsonl'

export type JobStatus =
  | 'queued'
  | 'scheduled'
  | 'deferred'
  | 'started'
  | 'finished'
  | 'failed'
  | 'canceled'

export interface Rejection {
  line: number
  reason: string
  message: string
}

export interface ImportResult {
  imported: number
  rejected: number
  /** The first 100 only */
  rejections: Rejection[]
}

export interface JobFile {
  name: string
  size_bytes: number
  content_type: string
}

export interface Job<Result = unknown> {
  id: string
  kind: string
  status: JobStatus
  progress: { done: number, total: number | null }
  attempts: number
  created_at: string
  started_at: string | null
  finished_at: string | null
  result: Result | null
  error: { type: string, message: string } | null
  log: { at: string, level: 'info' | 'warning' | 'error', message: string }[]
  file: JobFile | null
}

export type ImportJob = Job<ImportResult>

export function startImport(file: File, signal: AbortSignal): Promise<ImportJob> {
  const form = new FormData()
  form.append('file', file)
  return request('/api/todo/import', { method: 'POST', form, signal, timeoutMs: UPLOAD_TIMEOUT_MS })
}

export function startExport(format: ExportFormat, signal: AbortSignal): Promise<Job> {
  return request('/api/todo/export', { method: 'POST', json: { format }, signal })
}

export function fetchJob<Result>(id: string): Promise<Job<Result>> {
  return request(jobPath(id))
}

export function cancelJob<Result>(id: string): Promise<Job<Result>> {
  return request(`${jobPath(id)}/cancel`, { method: 'POST' })
}

export function retryJob<Result>(id: string): Promise<Job<Result>> {
  return request(`${jobPath(id)}/retry`, { method: 'POST' })
}

export function jobFilePath(id: string): string {
  return `${jobPath(id)}/file`
}

export function hasEnded(job: Job): boolean {
  return job.status === 'finished' || job.status === 'failed' || job.status === 'canceled'
}

function jobPath(id: string): string {
  return `/api/jobs/${encodeURIComponent(id)}`
}
