import { onScopeDispose, ref, shallowRef, watch, type WatchSource } from 'vue'
import { asApiError, type ApiError } from '../../api/http'

/** Loads what a page shows, again whenever a source changes; a late answer of before is dropped. */
export function useLoad<T>(load: () => Promise<T>, sources: WatchSource[] = []) {
  const data = shallowRef<T | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const isLoading = ref(false)
  let turn = 0

  async function reload(): Promise<void> {
    turn += 1
    const me = turn
    isLoading.value = true
    try {
      const loaded = await load()
      if (me !== turn) return
      data.value = loaded
      error.value = null
    } catch (reason) {
      const failure = asApiError(reason)
      if (me === turn) error.value = failure
    } finally {
      if (me === turn) isLoading.value = false
    }
  }

  watch(sources, () => void reload(), { immediate: true })
  onScopeDispose(() => { turn += 1 })

  return { data, error, isLoading, reload }
}
