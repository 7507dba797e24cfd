import { inject, provide, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import type { Place } from '../api/databases'
import type { Collection } from '../api/databaseTypes'

export interface CollectionHandle {
  place: ComputedRef<Place>
  collection: Ref<Collection>
  replace: (collection: Collection) => void
  reload: () => Promise<void>
}

const KEY: InjectionKey<CollectionHandle> = Symbol('collection')

export function provideCollection(handle: CollectionHandle): void {
  provide(KEY, handle)
}

/** The collection that the page is in. */
export function useCollection(): CollectionHandle {
  const handle = inject(KEY)
  if (!handle) throw new Error('not inside a collection')
  return handle
}
