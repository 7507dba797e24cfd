import { asApiError, type ApiError } from '../api/http'
import type { Todo } from '../api/todos'
import { i18n } from './i18n'
import type { Board } from './useBoard'
import { useToasts } from './useToasts'

const EXCERPT_LENGTH = 60

/** The board's changes together with what the user is told about them. */
export function useTodoActions(board: Board) {
  const { t } = i18n.global
  const toasts = useToasts()

  async function toggle(todo: Todo, finished: boolean): Promise<void> {
    try {
      await board.setFinished(todo, finished)
      toasts.announce(t(finished ? 'todo.markedFinished' : 'todo.markedOpen'))
    } catch (reason) {
      report(asApiError(reason), 'todo.gone')
    }
  }

  async function remove(todo: Todo): Promise<void> {
    try {
      await board.remove(todo)
      const content = excerpt(todo.content)
      toasts.undoable(t('todo.deleted', { content }), () => void restore(todo.id))
    } catch (reason) {
      report(asApiError(reason), 'todo.gone')
    }
  }

  async function restore(id: number): Promise<void> {
    try {
      await board.restore(id)
      toasts.announce(t('todo.restored'))
    } catch (reason) {
      report(asApiError(reason), 'todo.restoreGone', () => void restore(id))
    }
  }

  function report(error: ApiError, goneKey: string, again?: () => void): void {
    if (error.status === 404) {
      toasts.info(t(goneKey))
      void board.load()
    } else {
      toasts.failure(error, again)
    }
  }

  return { toggle, remove }
}

export function excerpt(content: string): string {
  const characters = [...content.replace(/\s+/g, ' ')]
  return characters.length > EXCERPT_LENGTH
    ? `${characters.slice(0, EXCERPT_LENGTH).join('')}…`
    : characters.join('')
}
