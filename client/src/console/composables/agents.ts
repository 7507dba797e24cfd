import { i18n } from '../../composables/i18n'
import type { Agent } from '../api/types'

/** The browser or program and its system, in one line. */
export function agentText(agent: Agent): string {
  const program = [agent.clientName, agent.clientVersion].filter(Boolean).join(' ')
  const system = [agent.osName, agent.osVersion].filter(Boolean).join(' ')
  return [program, system].filter(Boolean).join(' · ') || i18n.global.t('sessions.unknown')
}

export function placeText(agent: Agent): string {
  const country = agent.countryCode && agent.countryCode !== '--' ? agent.countryName : ''
  return [agent.ip, country].filter(Boolean).join(', ')
}
