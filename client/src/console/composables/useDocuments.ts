import { computed, ref, type ComputedRef } from 'vue'
import { fetchDocuments, type Place } from '../api/databases'
import type { Attribute, Collection, Document } from '../api/databaseTypes'
import { limit, type Query } from '../api/v1'
import { parseQueryText, QueryTextError } from './queryText'
import { useLoad } from './useLoad'
import { usePage } from './usePage'

const NEWEST = '-$sequence'

interface Shown {
  documents: Document[]
  hasNext: boolean
  hasPrevious: boolean
}

/**
 * A collection's documents a page at a time. Filters, sort and place are in the address; pages are
 * found by cursor, so the last one comes as quickly as the first.
 */
export function useDocuments(
  place: ComputedRef<Place>,
  collection: ComputedRef<Collection>,
  relations: ComputedRef<Attribute[]>,
) {
  const { size, filter, set } = usePage()
  const total = ref<number | null>(null)
  let counted = ''

  const text = computed(() => filter('q'))
  const sort = computed(() => filter('sort') || NEWEST)
  const filters = computed<Query[] | null>(() => {
    try {
      return parseQueryText(text.value)
    } catch (reason) {
      if (reason instanceof QueryTextError) return null
      throw reason
    }
  })

  function queries(): Query[] {
    const attribute = sort.value.replace(/^-/, '')
    const method = sort.value.startsWith('-') ? 'orderDesc' : 'orderAsc'
    const cursor = (name: 'after' | 'before', its: string): Query[] =>
      (filter(name) ? [{ method: its, values: [filter(name)] }] : [])
    const related = relations.value.map(({ key }) => `${key}.$id`)
    return [
      ...filters.value ?? [],
      { method, attribute },
      // One more than is shown tells whether there is a next page.
      limit(size + 1),
      ...cursor('after', 'cursorAfter'),
      ...cursor('before', 'cursorBefore'),
      ...(related.length > 0 ? [{ method: 'select', values: ['*', ...related] }] : []),
    ]
  }

  async function load(): Promise<Shown> {
    if (filters.value === null) return { documents: [], hasNext: false, hasPrevious: false }
    // Turning a page counts nothing anew; refreshing does.
    const needsCount = counted !== text.value || total.value === null
    const found = await fetchDocuments(place.value, queries(), needsCount)
    if (needsCount) {
      total.value = found.total
      counted = text.value
    }
    const isMore = found.documents.length > size
    const isBack = filter('before') !== ''
    return {
      documents: isBack ? found.documents.slice(-size) : found.documents.slice(0, size),
      hasNext: isBack || isMore,
      hasPrevious: isBack ? isMore : filter('after') !== '',
    }
  }

  const columns = computed(() => relations.value.map(({ key }) => key).join())
  const loaded = useLoad(load, [
    () => collection.value.$id, text, sort, columns, () => filter('after'), () => filter('before'),
  ])

  async function refresh(): Promise<void> {
    total.value = null
    await loaded.reload()
  }

  /** A cursor can be deleted meanwhile; other filters and sorts begin at the front. */
  function change(changes: Record<string, string>): void {
    set({ after: '', before: '', ...changes })
  }

  function next(): void {
    change({ after: loaded.data.value?.documents.at(-1)?.$id ?? '' })
  }

  function previous(): void {
    change({ before: loaded.data.value?.documents[0]?.$id ?? '' })
  }

  function sortBy(key: string): void {
    change({ sort: sort.value === key ? `-${key}` : sort.value === `-${key}` ? '' : key })
  }

  return { ...loaded, total, text, sort, filters, filter, change, next, previous, sortBy, refresh }
}
