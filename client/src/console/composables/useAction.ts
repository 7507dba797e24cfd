import { ref } from 'vue'
import { asApiError } from '../../api/http'
import { useToasts } from '../../composables/useToasts'
import { failureText } from './failure'

/** Buttons that do one thing: which of them is at work, and a message of how it went. */
export function useAction() {
  const toasts = useToasts()
  const running = ref<string | null>(null)

  /** Returns whether it was done. */
  async function run(name: string, action: () => Promise<unknown>, done?: string): Promise<boolean> {
    if (running.value !== null) return false
    running.value = name
    try {
      await action()
      if (done) toasts.info(done)
      return true
    } catch (reason) {
      const failure = asApiError(reason)
      toasts.failure(failure, undefined, failureText(failure))
      return false
    } finally {
      running.value = null
    }
  }

  return { running, run }
}
