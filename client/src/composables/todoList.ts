import { PAGE_SIZE, type Todo } from '../api/todos'

/** Lists are sorted by id, newest first, like the server's pages. */
export function withTodo(list: readonly Todo[], todo: Todo): Todo[] {
  const rest = withoutTodo(list, todo.id)
  const index = rest.findIndex((other) => other.id < todo.id)
  return index === -1 ? [...rest, todo] : [...rest.slice(0, index), todo, ...rest.slice(index)]
}

export function withoutTodo(list: readonly Todo[], id: number): Todo[] {
  return list.filter((todo) => todo.id !== id)
}

export function withOlder(list: readonly Todo[], page: readonly Todo[]): Todo[] {
  const last = list.at(-1)
  return [...list, ...page.filter((todo) => !last || todo.id < last.id)]
}

/**
 * Puts a fresh head before the older to-dos that were loaded already. Returns
 * null when there may be unknown to-dos between the two.
 */
export function withFreshHead(list: readonly Todo[], head: readonly Todo[]): Todo[] | null {
  const oldest = head.at(-1)
  if (head.length < PAGE_SIZE || !oldest) return [...head]
  const newestKnown = list[0]
  if (!newestKnown || newestKnown.id < oldest.id) return null
  return [...head, ...list.filter((todo) => todo.id < oldest.id)]
}
