import { computed } from 'vue'
import { languageTag } from '../../composables/useLocale'

const short = computed(() => new Intl.DateTimeFormat(languageTag.value, {
  dateStyle: 'medium',
  timeStyle: 'short',
}))
const day = computed(() => new Intl.DateTimeFormat(languageTag.value, { dateStyle: 'medium' }))

export function showTime(iso: string): string {
  return short.value.format(new Date(iso))
}

export function showDay(iso: string): string {
  return day.value.format(new Date(iso))
}

export const seconds = (iso: string): number => new Date(iso).getTime() / 1000

export const isPast = (iso: string): boolean => iso !== '' && new Date(iso).getTime() <= Date.now()
