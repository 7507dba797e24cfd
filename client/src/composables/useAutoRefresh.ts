import { onMounted, onScopeDispose } from 'vue'
import type { Board } from './useBoard'

const INTERVAL_MS = 15_000
/** Focus and visibility events come in pairs. */
const MIN_PAUSE_MS = 2000
const NEAR_TOP_PX = 400

/** Keeps the board current while someone is looking at it. */
export function useAutoRefresh(board: Board): void {
  let last = Date.now()

  function isTooEarly(): boolean {
    const asked = (board.error.value?.retryAfter ?? 0) * 1000
    return Date.now() - last < Math.max(MIN_PAUSE_MS, asked)
  }

  function refresh(): void {
    if (document.visibilityState !== 'visible' || isTooEarly()) return
    last = Date.now()
    void board.load()
  }

  function refreshNearTop(): void {
    if (window.scrollY < NEAR_TOP_PX) refresh()
  }

  let timer: ReturnType<typeof setInterval> | undefined
  onMounted(() => {
    timer = setInterval(refreshNearTop, INTERVAL_MS)
    window.addEventListener('focus', refresh)
    window.addEventListener('online', refresh)
    document.addEventListener('visibilitychange', refresh)
  })
  onScopeDispose(() => {
    clearInterval(timer)
    window.removeEventListener('focus', refresh)
    window.removeEventListener('online', refresh)
    document.removeEventListener('visibilitychange', refresh)
  })
}
