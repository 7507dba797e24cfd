import { equal, limit, listPath, offset, orderDesc, part, send, UNIQUE } from './v1'
import type { Account, Identity, Membership, Session } from './types'

export interface NewUser {
  userId: string
  name: string
  email: string
  password: string
}

export interface UserPage {
  total: number
  users: Account[]
}

export function fetchUsers(
  project: string, page: { size: number, start: number, search: string, state: string },
): Promise<UserPage> {
  const queries = [limit(page.size), offset(page.start), orderDesc('$createdAt')]
  if (page.state === 'suspended') queries.push(equal('status', false))
  if (page.state === 'unverified') queries.push(equal('emailVerification', false))
  return send(project, listPath('/users', queries, page.search))
}

export async function countUsers(project: string): Promise<number> {
  const page = await send<UserPage>(project, listPath('/users', [limit(1)]))
  return page.total
}

export function createUser(project: string, user: NewUser): Promise<Account> {
  const { userId, email, password, name } = user
  const json = {
    userId: userId || UNIQUE,
    ...(email ? { email } : {}),
    ...(password ? { password } : {}),
    name,
  }
  return send(project, '/users', { method: 'POST', json })
}

const at = (id: string, rest = ''): string => `/users/${part(id)}${rest}`

export const fetchUser = (project: string, id: string): Promise<Account> => send(project, at(id))

export const deleteUser = (project: string, id: string): Promise<void> =>
  send(project, at(id), { method: 'DELETE' })

/** The fields of a user that are changed one at a time. */
export type UserChange =
  | { status: boolean }
  | { name: string }
  | { email: string }
  | { password: string }
  | { emailVerification: boolean }
  | { mfa: boolean }

const PATHS: Readonly<Record<string, string>> = { emailVerification: 'verification' }

export function changeUser(project: string, id: string, change: UserChange): Promise<Account> {
  const name = Object.keys(change)[0] ?? ''
  return send(project, at(id, `/${PATHS[name] ?? name}`), { method: 'PATCH', json: change })
}

export const setLabels = (project: string, id: string, labels: string[]): Promise<Account> =>
  send(project, at(id, '/labels'), { method: 'PUT', json: { labels } })

export const fetchUserSessions = (project: string, id: string): Promise<{ sessions: Session[] }> =>
  send(project, at(id, '/sessions'))

export const endUserSession = (project: string, id: string, session: string): Promise<void> =>
  send(project, at(id, `/sessions/${part(session)}`), { method: 'DELETE' })

export const endUserSessions = (project: string, id: string): Promise<void> =>
  send(project, at(id, '/sessions'), { method: 'DELETE' })

export const fetchUserMemberships = (
  project: string, id: string,
): Promise<{ total: number, memberships: Membership[] }> => send(project, at(id, '/memberships'))

export const fetchUserIdentities = (
  project: string, id: string,
): Promise<{ total: number, identities: Identity[] }> =>
  send(project, listPath('/users/identities', [equal('userId', id)]))
