import { asApiError } from '../../api/http'
import { limit, listPath, offset, orderDesc, part, send, UNIQUE, type Query } from './v1'
import type { Attribute, Collection, Database, Document, Index } from './databaseTypes'

/** Where a collection is, in three ids. */
export interface Place {
  project: string
  database: string
  collection: string
}

/** Deleting many rows, or making a long list, takes its time. */
const SLOW_TIMEOUT_MS = 60_000

export const fetchDatabases = (
  project: string, page: { size: number, start: number, search: string },
): Promise<{ total: number, databases: Database[] }> => send(project, listPath(
  '/databases', [limit(page.size), offset(page.start), orderDesc('$createdAt')], page.search,
))

export const createDatabase = (project: string, name: string, id: string): Promise<Database> =>
  send(project, '/databases', { method: 'POST', json: { databaseId: id || UNIQUE, name } })

const at = (database: string, rest = ''): string => `/databases/${part(database)}${rest}`

export const fetchDatabase = (project: string, id: string): Promise<Database> => send(project, at(id))

export const changeDatabase = (
  project: string, id: string, change: { name: string, enabled: boolean },
): Promise<Database> => send(project, at(id), { method: 'PUT', json: change })

export const deleteDatabase = (project: string, id: string): Promise<void> =>
  send(project, at(id), { method: 'DELETE' })

export const fetchCollections = (
  project: string, database: string, page: { size: number, start: number, search: string },
): Promise<{ total: number, collections: Collection[] }> => send(project, listPath(
  at(database, '/collections'),
  [limit(page.size), offset(page.start), orderDesc('$createdAt')],
  page.search,
))

export const countCollections = async (project: string, database: string): Promise<number> =>
  (await fetchCollections(project, database, { size: 1, start: 0, search: '' })).total

export const createCollection = (
  project: string, database: string, name: string, id: string,
): Promise<Collection> => send(project, at(database, '/collections'), {
  method: 'POST', json: { collectionId: id || UNIQUE, name },
})

export interface CollectionChange {
  name: string
  enabled: boolean
  documentSecurity: boolean
  permissions: string[]
}

const inside = ({ database, collection }: Place, rest = ''): string =>
  at(database, `/collections/${part(collection)}${rest}`)

export const fetchCollection = (place: Place): Promise<Collection> =>
  send(place.project, inside(place))

export const changeCollection = (place: Place, change: CollectionChange): Promise<Collection> =>
  send(place.project, inside(place), { method: 'PUT', json: change })

export const deleteCollection = (place: Place): Promise<void> =>
  send(place.project, inside(place), { method: 'DELETE' })

/** `kind` is the last part of the contract's path, such as `string` or `relationship`. */
export const createAttribute = (place: Place, kind: string, json: unknown): Promise<Attribute> =>
  send(place.project, inside(place, `/attributes/${kind}`), { method: 'POST', json })

export function changeAttribute(
  place: Place, kind: string, key: string, json: unknown,
): Promise<Attribute> {
  const rest = kind === 'relationship' ? `${part(key)}/relationship` : `${kind}/${part(key)}`
  return send(place.project, inside(place, `/attributes/${rest}`), { method: 'PATCH', json })
}

export const deleteAttribute = (place: Place, key: string): Promise<void> =>
  send(place.project, inside(place, `/attributes/${part(key)}`), { method: 'DELETE' })

export interface IndexDraft {
  key: string
  type: string
  attributes: string[]
  orders: string[]
}

export const createIndex = (place: Place, json: IndexDraft): Promise<Index> =>
  send(place.project, inside(place, '/indexes'), { method: 'POST', json })

export const deleteIndex = (place: Place, key: string): Promise<void> =>
  send(place.project, inside(place, `/indexes/${part(key)}`), { method: 'DELETE' })

export interface DocumentPage {
  total: number
  documents: Document[]
}

/** Counting is left out when the total is known: it costs as much as the page itself. */
export function fetchDocuments(
  place: Place, queries: readonly Query[], isCounted = true,
): Promise<DocumentPage> {
  const path = listPath(inside(place, '/documents'), queries)
  return send(place.project, isCounted ? path : `${path}&total=false`)
}

export const fetchDocument = (
  place: Place, id: string, queries: readonly Query[] = [],
): Promise<Document> =>
  send(place.project, listPath(inside(place, `/documents/${part(id)}`), queries))

export interface DocumentDraft {
  data: Record<string, unknown>
  permissions: string[]
}

export const createDocument = (place: Place, id: string, draft: DocumentDraft): Promise<Document> =>
  send(place.project, inside(place, '/documents'), {
    method: 'POST', json: { documentId: id || UNIQUE, ...draft },
  })

export const changeDocument = (place: Place, id: string, draft: DocumentDraft): Promise<Document> =>
  send(place.project, inside(place, `/documents/${part(id)}`), { method: 'PATCH', json: draft })

export const deleteDocument = (place: Place, id: string): Promise<void> =>
  send(place.project, inside(place, `/documents/${part(id)}`), { method: 'DELETE' })

/** All of them in one call, or one after the other where related documents take part. */
export async function deleteDocuments(place: Place, ids: readonly string[]): Promise<void> {
  try {
    await send(place.project, inside(place, '/documents'), {
      method: 'DELETE',
      json: { queries: [JSON.stringify({ method: 'equal', attribute: '$id', values: ids })] },
      timeoutMs: SLOW_TIMEOUT_MS,
    })
  } catch (reason) {
    if (asApiError(reason).type !== 'general_bad_request') throw reason
    for (const id of ids) await deleteIfThere(place, id)
  }
}

/** One that is gone already may have gone with another that it was related to. */
async function deleteIfThere(place: Place, id: string): Promise<void> {
  try {
    await deleteDocument(place, id)
  } catch (reason) {
    if (asApiError(reason).type !== 'document_not_found') throw reason
  }
}
