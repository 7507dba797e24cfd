import { part, sendOwn } from './v1'
import { request } from '../../api/http'
import type { Agent } from './types'

export interface Instance {
  /** Nobody has an account here yet. */
  needs_sign_up: boolean
  /** The first sign-up must show the one-time token. */
  needs_token: boolean
  is_sign_up_open: boolean
  version: string
}

export const fetchInstance = (): Promise<Instance> => request('/api/console')

/** `kept`: there is no mail server, so the mail can be read here instead. */
export type MailStatus = 'queued' | 'sent' | 'failed' | 'kept'

export interface Mail {
  id: string
  kind: string
  locale: string
  recipient: string
  sender: string
  subject: string
  status: MailStatus
  attempts: number
  /** The mail server's words at the last attempt */
  answer: string
  created_at: string
  next_attempt_at: string | null
  sent_at: string | null
}

export interface MailContent extends Mail {
  /** Null once a mail server has taken it, and for whoever may only look */
  html: string | null
  text: string | null
}

export interface MailPage {
  mails: Mail[]
  /** The next page's `before` */
  next: string | null
}

export interface AuditLine extends Agent {
  id: string
  event: string
  resource: string
  user_id: string
  user_name: string
  user_email: string
  mode: string
  at: string
}

export interface AuditPage {
  audits: AuditLine[]
  /** The next page's `before` */
  next: string | null
}

function page(path: string, fields: Readonly<Record<string, string | number>>): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(fields)) {
    if (value !== '') parameters.set(name, String(value))
  }
  return `${path}?${parameters.toString()}`
}

const at = (project: string, rest: string): string => `/projects/${part(project)}${rest}`

export const fetchMails = (
  project: string, fields: { limit: number, before: string, status: string },
): Promise<MailPage> => sendOwn(page(at(project, '/mails'), fields))

export const fetchMail = (project: string, id: string): Promise<MailContent> =>
  sendOwn(at(project, `/mails/${part(id)}`))

export const retryMail = (project: string, id: string): Promise<Mail> =>
  sendOwn(at(project, `/mails/${part(id)}/retry`), { method: 'POST' })

export const fetchAudits = (
  project: string,
  fields: { limit: number, before: string, user: string, resource: string, event: string },
): Promise<AuditPage> => sendOwn(page(at(project, '/audits'), fields))
