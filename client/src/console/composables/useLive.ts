import { onScopeDispose, watch, type Ref } from 'vue'

const FIRST_DELAY_MS = 700
const GROWTH = 1.4
const MAX_DELAY_MS = 10_000

/** Looks again and again, ever more slowly, while something is in the making and seen. */
export function useLive(isPending: Ref<boolean>, reload: () => Promise<void>): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let delay = FIRST_DELAY_MS

  async function look(): Promise<void> {
    if (document.visibilityState === 'visible') await reload()
    delay = Math.min(delay * GROWTH, MAX_DELAY_MS)
    if (isPending.value) timer = setTimeout(() => void look(), delay)
  }

  function start(): void {
    clearTimeout(timer)
    delay = FIRST_DELAY_MS
    if (isPending.value) timer = setTimeout(() => void look(), delay)
  }

  function seen(): void {
    if (document.visibilityState === 'visible') start()
  }

  watch(isPending, start, { immediate: true })
  document.addEventListener('visibilitychange', seen)
  onScopeDispose(() => {
    clearTimeout(timer)
    timer = undefined
    document.removeEventListener('visibilitychange', seen)
  })
}
