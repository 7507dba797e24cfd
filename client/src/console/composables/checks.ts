import { i18n } from '../../composables/i18n'

const { t } = i18n.global

export const PASSWORD_MIN = 8

export const required = (value: string): string => (value.trim() ? '' : t('check.required'))

export function email(value: string): string {
  if (!value.trim()) return t('check.required')
  return /^\S+@\S+$/.test(value.trim()) ? '' : t('check.email')
}

export const password = (value: string): string =>
  ([...value].length < PASSWORD_MIN ? t('check.password', { count: PASSWORD_MIN }) : '')

/** An id of one's own, or none for one that the server makes. */
export const ownId = (value: string): string =>
  (value === '' || /^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$/.test(value) ? '' : t('check.id'))

/** A project's is narrower: it is part of a cookie's name. */
export const projectId = (value: string): string =>
  (value === '' || /^[a-z0-9][a-z0-9-]{0,35}$/.test(value) ? '' : t('check.projectId'))

/** A whole number within its limits. */
export function whole(value: string, least: number, most: number): string {
  const number = /^\d+$/.test(value.trim()) ? Number(value) : NaN
  return number >= least && number <= most ? '' : t('check.whole', { least, most })
}
