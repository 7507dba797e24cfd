import { ref } from 'vue'
import type { ApiError } from '../api/http'
import { errorLine, faultId } from './errorText'

export interface Toast {
  id: number
  kind: 'info' | 'error'
  text: string
  detail: string | null
  /** Takes the announced change back, or tries it again after a failure. */
  action: (() => void) | null
}

const MAX_PLAIN_TOASTS = 3

const toasts = ref<Toast[]>([])
const announcement = ref({ id: 0, text: '' })
let lastId = 0

function push(toast: Omit<Toast, 'id'>): void {
  lastId += 1
  // What can be taken back stays until its time is over, however many there are.
  const plain = toasts.value.filter((shown) => shown.action === null).slice(1 - MAX_PLAIN_TOASTS)
  const kept = toasts.value.filter((shown) => shown.action !== null || plain.includes(shown))
  toasts.value = [...kept, { ...toast, id: lastId }]
}

export function useToasts() {
  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((toast) => toast.id !== id)
  }

  function info(text: string): void {
    push({ kind: 'info', text, detail: null, action: null })
  }

  function undoable(text: string, undo: () => void): void {
    push({ kind: 'info', text, detail: null, action: undo })
  }

  function failure(error: ApiError, again?: () => void, text = errorLine(error)): void {
    push({ kind: 'error', text, detail: faultId(error), action: again ?? null })
  }

  /** For screen readers only: what sighted users see in the list itself. The id makes repeats heard. */
  function announce(text: string): void {
    announcement.value = { id: announcement.value.id + 1, text }
  }

  return { toasts, announcement, dismiss, info, undoable, failure, announce }
}
