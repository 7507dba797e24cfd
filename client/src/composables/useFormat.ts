import { computed, onScopeDispose, ref } from 'vue'
import { i18n } from './i18n'
import { languageTag } from './useLocale'

const TICK_MS = 15_000
const NOW_BELOW_SECONDS = 10

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_556_952],
  ['month', 2_629_746],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
]

const number = computed(() => new Intl.NumberFormat(languageTag.value))
const size = computed(() => new Intl.NumberFormat(languageTag.value, { maximumFractionDigits: 1 }))
const relative = computed(() => new Intl.RelativeTimeFormat(languageTag.value))
const absolute = computed(() => new Intl.DateTimeFormat(languageTag.value, {
  dateStyle: 'full',
  timeStyle: 'medium',
}))

export function formatNumber(value: number): string {
  return number.value.format(value)
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${formatNumber(bytes)} B`
  if (bytes < 1024 * 1024) return `${size.value.format(bytes / 1024)} kB`
  return `${size.value.format(bytes / 1024 / 1024)} MB`
}

export function formatAbsolute(unixSeconds: number): string {
  return absolute.value.format(unixSeconds * 1000)
}

/** Clocks differ between machines, so a moment in the future counts as now. */
export function formatRelative(unixSeconds: number, nowMs: number): string {
  const age = Math.max(0, nowMs / 1000 - unixSeconds)
  if (age < NOW_BELOW_SECONDS) return i18n.global.t('time.now')
  const step = STEPS.find(([, seconds]) => age >= seconds)
  if (!step) return i18n.global.t('time.now')
  return relative.value.format(-Math.floor(age / step[1]), step[0])
}

export function useNow() {
  const now = ref(Date.now())
  const timer = setInterval(() => { now.value = Date.now() }, TICK_MS)
  onScopeDispose(() => { clearInterval(timer) })
  return now
}
