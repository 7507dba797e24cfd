import { computed, ref, watch, type ComputedRef } from 'vue'
import { local, readStored, writeStored } from '../../composables/storage'
import type { Attribute, Collection } from '../api/databaseTypes'
import { settable } from './documentValues'
import { SYSTEM } from './filterMethods'

/** As many as fit at first; the others are one click away. */
const MANY = 5

/** Which attributes a table shows; chosen for a collection, kept in the browser. */
export function useColumns(collection: ComputedRef<Collection>) {
  const storageKey = computed(() => `raindrop.columns.${collection.value.databaseId}.${collection.value.$id}`)
  const chosen = ref<string[] | null>(null)

  watch(storageKey, (key) => { chosen.value = readStored(local, key)?.split(' ') ?? null }, { immediate: true })

  const all = computed<Attribute[]>(() => [...settable(collection.value.attributes), ...SYSTEM.filter(({ key }) => key !== '$id')])
  const first = computed(() => [
    ...settable(collection.value.attributes).filter(({ type }) => type !== 'relationship').slice(0, MANY).map(({ key }) => key),
    '$createdAt',
  ])
  const shown = computed(() => {
    const wanted = new Set(chosen.value ?? first.value)
    return all.value.filter(({ key }) => wanted.has(key))
  })
  const relations = computed(() => shown.value.filter(({ type }) => type === 'relationship'))

  function put(key: string, wanted: boolean): void {
    const keys = new Set(shown.value.map((attribute) => attribute.key))
    if (wanted) keys.add(key)
    else keys.delete(key)
    chosen.value = [...keys]
    writeStored(local, storageKey.value, chosen.value.join(' '))
  }

  function reset(): void {
    chosen.value = null
    writeStored(local, storageKey.value, null)
  }

  return { all, shown, relations, put, reset }
}
