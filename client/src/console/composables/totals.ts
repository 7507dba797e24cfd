import { formatNumber } from '../../composables/useFormat'

/** The server counts documents up to here; more are not counted. */
export const TOTAL_MAX = 5000

export const totalText = (total: number): string =>
  formatNumber(total) + (total >= TOTAL_MAX ? '+' : '')
