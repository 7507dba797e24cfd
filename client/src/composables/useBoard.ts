import { computed, ref, shallowRef } from 'vue'
import { asApiError, type ApiError } from '../api/http'
import * as api from '../api/todos'
import type { Todo, TodoPage } from '../api/todos'
import { withFreshHead, withOlder, withoutTodo, withTodo } from './todoList'

/** So many pages are read to close the gap to the to-dos on screen. */
const MAX_GAP_PAGES = 3
const MAX_REFRESH_TRIES = 3

export type Board = ReturnType<typeof useBoard>

export function useBoard() {
  const todos = shallowRef<Todo[]>([])
  const total = ref(0)
  const isLoaded = ref(false)
  const isLoading = ref(false)
  const isLoadingOlder = ref(false)
  const error = shallowRef<ApiError | null>(null)
  const olderError = shallowRef<ApiError | null>(null)
  const reachedEnd = ref(false)
  const hasOlder = computed(() => isLoaded.value && !reachedEnd.value)

  /** Grows with every local change, so that answers from before it can be told apart. */
  let changes = 0
  let pendingChanges = 0
  /** Whoever asks during a load wants to see what happened after it began. */
  let isReloadWanted = false
  /** Grows when the list is replaced instead of extended. */
  let replacements = 0
  const wantedState = new Map<number, boolean>()
  const togglesInFlight = new Set<number>()

  async function load(): Promise<void> {
    if (isLoading.value) {
      isReloadWanted = true
      return
    }
    isReloadWanted = false
    isLoading.value = true
    try {
      await refreshUntilCurrent()
      isLoaded.value = true
      error.value = null
    } catch (reason) {
      error.value = asApiError(reason)
    } finally {
      isLoading.value = false
    }
    if (isReloadWanted) await load()
  }

  async function refreshUntilCurrent(): Promise<void> {
    for (let tries = 0; tries < MAX_REFRESH_TRIES; tries += 1) {
      const startedAt = changes
      const head = await fetchHead()
      // A local change is newer than this answer; showing it would undo the change on screen.
      const isCurrent = pendingChanges === 0 && startedAt === changes
      if (isCurrent || !isLoaded.value) {
        showHead(head)
        return
      }
    }
  }

  async function fetchHead(): Promise<TodoPage> {
    const page = await api.fetchNewest()
    let data = page.data
    for (let pages = 0; pages < MAX_GAP_PAGES; pages += 1) {
      const last = data.at(-1)
      if (!last || todos.value.length === 0 || withFreshHead(todos.value, data)) break
      data = [...data, ...(await api.fetchOlder(last.id)).data]
    }
    return { data, total: page.total }
  }

  function showHead(head: TodoPage): void {
    const merged = withFreshHead(todos.value, head.data)
    if (!merged) replacements += 1
    todos.value = merged ?? head.data
    total.value = head.total
    if (!merged || head.data.length < api.PAGE_SIZE) updateEnd(head.data.length)
  }

  function updateEnd(pageLength: number): void {
    reachedEnd.value = pageLength < api.PAGE_SIZE || todos.value.length >= total.value
  }

  /** Returns how many were added, or null when that failed. */
  async function loadOlder(): Promise<number | null> {
    const last = todos.value.at(-1)
    if (!last || isLoadingOlder.value) return null
    const startedAt = replacements
    isLoadingOlder.value = true
    try {
      const page = await api.fetchOlder(last.id)
      olderError.value = null
      if (startedAt !== replacements) return null
      const before = todos.value.length
      todos.value = withOlder(todos.value, page.data)
      total.value = page.total
      updateEnd(page.data.length)
      return todos.value.length - before
    } catch (reason) {
      olderError.value = asApiError(reason)
      return null
    } finally {
      isLoadingOlder.value = false
    }
  }

  async function change<T>(action: () => Promise<T>): Promise<T> {
    pendingChanges += 1
    try {
      return await action()
    } finally {
      pendingChanges -= 1
      changes += 1
    }
  }

  function add(content: string): Promise<void> {
    return change(async () => {
      show(await api.createTodo(content))
      total.value += 1
    })
  }

  async function remove(todo: Todo): Promise<void> {
    await change(async () => {
      drop(todo.id)
      try {
        await api.deleteTodo(todo.id)
      } catch (reason) {
        if (asApiError(reason).status !== 404) putBack(todo)
        throw reason
      }
    })
    if (todos.value.length === 0 && hasOlder.value) await load()
  }

  function restore(id: number): Promise<void> {
    return change(async () => { putBack(await api.restoreTodo(id)) })
  }

  /** Quick repeated switches are sent one after the other; the last one wins. */
  async function setFinished(todo: Todo, finished: boolean): Promise<void> {
    wantedState.set(todo.id, finished)
    replace(switched(todo, finished))
    if (togglesInFlight.has(todo.id)) return
    togglesInFlight.add(todo.id)
    await change(() => sendWantedState(todo)).finally(() => {
      togglesInFlight.delete(todo.id)
      wantedState.delete(todo.id)
    })
  }

  async function sendWantedState(todo: Todo): Promise<void> {
    let confirmed = todo
    try {
      let sent: boolean | undefined
      while (wantedState.get(todo.id) !== sent) {
        sent = wantedState.get(todo.id)
        confirmed = await (sent ? api.finishTodo(todo.id) : api.reopenTodo(todo.id))
      }
      replace(confirmed)
    } catch (reason) {
      if (asApiError(reason).status === 404) drop(todo.id)
      else replace(confirmed)
      throw reason
    }
  }

  function switched(todo: Todo, finished: boolean): Todo {
    return { ...todo, is_finished: finished, finished_at: finished ? Date.now() / 1000 : null }
  }

  function replace(todo: Todo): void {
    todos.value = todos.value.map((other) => (other.id === todo.id ? todo : other))
  }

  function drop(id: number): void {
    const rest = withoutTodo(todos.value, id)
    if (rest.length < todos.value.length) total.value = Math.max(0, total.value - 1)
    todos.value = rest
  }

  function putBack(todo: Todo): void {
    show(todo)
    total.value += 1
  }

  /** A to-do below the loaded part appears when its page is loaded. */
  function show(todo: Todo): void {
    const last = todos.value.at(-1)
    if (reachedEnd.value || !last || todo.id > last.id) todos.value = withTodo(todos.value, todo)
  }

  return {
    todos, total, isLoaded, isLoading, isLoadingOlder, hasOlder, error, olderError,
    load, loadOlder, add, remove, restore, setFinished,
  }
}
