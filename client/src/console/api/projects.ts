import { CONSOLE, limit, listPath, offset, orderDesc, part, send, UNIQUE } from './v1'
import type { Key, Platform, Project } from './types'

/** The server speaks with the mail server before it answers. */
const SMTP_TIMEOUT_MS = 60_000

export interface ProjectPage {
  total: number
  projects: Project[]
}

export const fetchProjects = (
  page: { size: number, start: number, search: string },
): Promise<ProjectPage> => send(CONSOLE, listPath(
  '/projects', [limit(page.size), offset(page.start), orderDesc('$createdAt')], page.search,
))

export const createProject = (name: string, teamId: string, id: string): Promise<Project> =>
  send(CONSOLE, '/projects', { method: 'POST', json: { projectId: id || UNIQUE, name, teamId } })

const at = (id: string, rest = ''): string => `/projects/${part(id)}${rest}`

export const fetchProject = (id: string): Promise<Project> => send(CONSOLE, at(id))

export const deleteProject = (id: string): Promise<void> =>
  send(CONSOLE, at(id), { method: 'DELETE' })

/** Change a part of a project: `''` for its name, `/auth/limit` and so on for its settings. */
export const changeProject = (id: string, rest: string, json: unknown): Promise<Project> =>
  send(CONSOLE, at(id, rest), { method: 'PATCH', json })

export interface SmtpSettings {
  enabled: boolean
  senderName: string
  senderEmail: string
  replyTo: string
  host: string
  port: number
  username: string
  password: string
  secure: string
}

/** The server keeps the password that it has unless it is given another. */
function withoutEmptyPassword({ password, ...server }: SmtpSettings): object {
  return password ? { ...server, password } : server
}

export const setSmtp = (id: string, settings: SmtpSettings): Promise<Project> =>
  changeProject(id, '/smtp', settings.enabled ? withoutEmptyPassword(settings) : { enabled: false })

export const testSmtp = (id: string, settings: SmtpSettings, email: string): Promise<void> =>
  send(CONSOLE, at(id, '/smtp/tests'), {
    method: 'POST',
    json: { ...withoutEmptyPassword(settings), emails: [email] },
    timeoutMs: SMTP_TIMEOUT_MS,
  })

export const fetchKeys = (id: string): Promise<{ total: number, keys: Key[] }> =>
  send(CONSOLE, at(id, '/keys'))

export interface KeyDraft {
  name: string
  scopes: string[]
  /** null: never */
  expire: string | null
}

export const createKey = (id: string, key: KeyDraft): Promise<Key> =>
  send(CONSOLE, at(id, '/keys'), { method: 'POST', json: key })

export const changeKey = (id: string, keyId: string, key: KeyDraft): Promise<Key> =>
  send(CONSOLE, at(id, `/keys/${part(keyId)}`), { method: 'PUT', json: key })

export const deleteKey = (id: string, keyId: string): Promise<void> =>
  send(CONSOLE, at(id, `/keys/${part(keyId)}`), { method: 'DELETE' })

export const fetchPlatforms = (id: string): Promise<{ total: number, platforms: Platform[] }> =>
  send(CONSOLE, at(id, '/platforms'))

export interface PlatformDraft {
  type: string
  name: string
  hostname: string
  key: string
}

export const createPlatform = (id: string, platform: PlatformDraft): Promise<Platform> =>
  send(CONSOLE, at(id, '/platforms'), { method: 'POST', json: platform })

export const changePlatform = (
  id: string, platformId: string, platform: Omit<PlatformDraft, 'type'>,
): Promise<Platform> =>
  send(CONSOLE, at(id, `/platforms/${part(platformId)}`), { method: 'PUT', json: platform })

export const deletePlatform = (id: string, platformId: string): Promise<void> =>
  send(CONSOLE, at(id, `/platforms/${part(platformId)}`), { method: 'DELETE' })
