import { computed, ref, shallowRef } from 'vue'
import { asApiError, type ApiError } from '../../api/http'

/** What is wrong with fields, by their names; an empty text is nothing wrong. */
export type Problems = Readonly<Record<string, string>>

/** A form: its checks show after the first attempt, its failure until the next one. */
export function useForm(send: () => Promise<unknown>, check: () => Problems = () => ({})) {
  const isBusy = ref(false)
  const wasTried = ref(false)
  const error = shallowRef<ApiError | null>(null)
  const found = computed(() => check())
  const problems = computed<Problems>(() => (wasTried.value ? found.value : {}))

  /** Returns whether it was sent and accepted. */
  async function submit(): Promise<boolean> {
    if (isBusy.value) return false
    wasTried.value = true
    if (Object.values(found.value).some(Boolean)) return false
    isBusy.value = true
    error.value = null
    try {
      await send()
      wasTried.value = false
      return true
    } catch (reason) {
      error.value = asApiError(reason)
      return false
    } finally {
      isBusy.value = false
    }
  }

  function reset(): void {
    wasTried.value = false
    error.value = null
  }

  return { isBusy, error, problems, submit, reset }
}
