import { i18n } from '../../composables/i18n'
import type { AuditLine } from '../api/instance'
import type { IconName } from '../components/ConsoleIcon.vue'

const ICONS: Readonly<Record<string, IconName>> = {
  users: 'user', sessions: 'device', teams: 'team', memberships: 'team', keys: 'key',
  platforms: 'device', projects: 'gear', tokens: 'mail', recovery: 'mail', verification: 'mail',
  databases: 'database', collections: 'table', attributes: 'columns', indexes: 'list', documents: 'edit',
}

const ACTIONS = new Set(['create', 'update', 'delete', 'upsert'])

interface Parts {
  /** The resources from the outermost on, such as users and sessions */
  kinds: string[]
  /** The innermost resource's id */
  id: string
  action: string
  /** What of it was changed, such as a name */
  field: string
}

/** An event names resources and ids in turn, then what happened: `users.ID.sessions.ID.create`. */
export function parseEvent(event: string): Parts {
  const words = event.split('.')
  // Ids are at odd places, so one that is such a word is not taken for it.
  const at = words.findIndex((word, index) => index % 2 === 0 && ACTIONS.has(word))
  const path = at < 0 ? words : words.slice(0, at)
  return {
    kinds: path.filter((_, index) => index % 2 === 0),
    id: path.filter((_, index) => index % 2 === 1).at(-1) ?? '',
    action: at < 0 ? '' : words[at] ?? '',
    field: at < 0 ? '' : words.slice(at + 1).join('.'),
  }
}

export function auditIcon(line: AuditLine): IconName {
  return ICONS[parseEvent(line.event).kinds.at(-1) ?? ''] ?? 'list'
}

/** What happened, in words; an event that has none yet is shown by its name. */
export function auditText(line: AuditLine): string {
  const { t, te } = i18n.global
  const { kinds, action, field } = parseEvent(line.event)
  const kind = kinds.join('_')
  const exact = `audits.event.${[kind, action, field].filter(Boolean).join('_').replaceAll('.', '_')}`
  // Only people themselves sign up.
  const isMadeByOther = exact === 'audits.event.users_create' && line.mode !== 'guest'
  if (te(exact) && !isMadeByOther) return t(exact)
  const last = kinds.at(-1) ?? ''
  if (!te(`audits.kind.${last}`) || !te(`audits.did.${action}`)) return line.event
  const what = t(`audits.kind.${last}`)
  return field ? t('audits.changedField', { what, field }) : t(`audits.did.${action}`, { what })
}

export function auditActor(line: AuditLine): string {
  const { t } = i18n.global
  if (line.mode === 'system') return t('audits.server')
  const name = line.user_name || line.user_email || line.user_id
  if (!name) return t(line.mode === 'key' ? 'audits.aKey' : 'audits.nobody')
  if (line.mode === 'key') return t('audits.byKey', { name })
  return line.mode === 'admin' ? t('audits.byOperator', { name }) : name
}
