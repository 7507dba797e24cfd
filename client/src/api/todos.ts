import { request } from './http'

export const PAGE_SIZE = 10
export const CONTENT_MAX = 1000

export interface Todo {
  id: number
  content: string
  /** Unix seconds */
  created_at: number
  is_finished: boolean
  finished_at: number | null
}

export interface TodoPage {
  data: Todo[]
  total: number
}

export function fetchNewest(): Promise<TodoPage> {
  return request('/api/todo?start=0')
}

export function fetchOlder(before: number): Promise<TodoPage> {
  return request(`/api/todo?before=${before}`)
}

export function createTodo(content: string): Promise<Todo> {
  return request('/api/todo', { method: 'POST', json: { content } })
}

export function finishTodo(id: number): Promise<Todo> {
  return request(`/api/todo/${id}/finish`, { method: 'PUT' })
}

export function reopenTodo(id: number): Promise<Todo> {
  return request(`/api/todo/${id}/reopen`, { method: 'PUT' })
}

export function deleteTodo(id: number): Promise<Todo> {
  return request(`/api/todo/${id}`, { method: 'DELETE' })
}

export function restoreTodo(id: number): Promise<Todo> {
  return request(`/api/todo/${id}/restore`, { method: 'PUT' })
}
