import { limit, listPath, offset, orderDesc, part, send, UNIQUE } from './v1'
import type { Membership, Team } from './types'

export interface TeamPage {
  total: number
  teams: Team[]
}

export const fetchTeams = (
  project: string, page: { size: number, start: number, search: string },
): Promise<TeamPage> => send(project, listPath(
  '/teams', [limit(page.size), offset(page.start), orderDesc('$createdAt')], page.search,
))

export async function countTeams(project: string): Promise<number> {
  const page = await send<TeamPage>(project, listPath('/teams', [limit(1)]))
  return page.total
}

export const createTeam = (project: string, name: string, id = ''): Promise<Team> =>
  send(project, '/teams', { method: 'POST', json: { teamId: id || UNIQUE, name } })

const at = (id: string, rest = ''): string => `/teams/${part(id)}${rest}`

export const fetchTeam = (project: string, id: string): Promise<Team> => send(project, at(id))

export const renameTeam = (project: string, id: string, name: string): Promise<Team> =>
  send(project, at(id), { method: 'PUT', json: { name } })

export const deleteTeam = (project: string, id: string): Promise<void> =>
  send(project, at(id), { method: 'DELETE' })

export const fetchMembers = (
  project: string, id: string, page: { size: number, start: number },
): Promise<{ total: number, memberships: Membership[] }> =>
  send(project, listPath(at(id, '/memberships'), [limit(page.size), offset(page.start)]))

export interface Invitation {
  email: string
  name?: string
  roles: string[]
  /** Where the mail's link leads; without it, the person is a member at once */
  url?: string
}

export const invite = (project: string, id: string, invitation: Invitation): Promise<Membership> =>
  send(project, at(id, '/memberships'), { method: 'POST', json: invitation })

export const setRoles = (
  project: string, id: string, membership: string, roles: string[],
): Promise<Membership> =>
  send(project, at(id, `/memberships/${part(membership)}`), { method: 'PATCH', json: { roles } })

export const removeMember = (project: string, id: string, membership: string): Promise<void> =>
  send(project, at(id, `/memberships/${part(membership)}`), { method: 'DELETE' })

export const acceptInvitation = (
  project: string, id: string, membership: string, proof: { userId: string, secret: string },
): Promise<Membership> =>
  send(project, at(id, `/memberships/${part(membership)}/status`), { method: 'PATCH', json: proof })
