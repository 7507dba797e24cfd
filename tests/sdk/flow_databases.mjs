// What an app developer does with the databases of npm's node-appwrite, in both sets of words. One
// argument, JSON: endpoint, project, key, email.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const given = JSON.parse(process.argv[2])
const require = createRequire(pathToFileURL(`${process.cwd()}/`))
const { Account, Client, Databases, ID, Permission, Query, Role, TablesDB } =
  require('node-appwrite')

const PASSWORD = 'correct horse 1'
const client = () => new Client().setEndpoint(given.endpoint).setProject(given.project)

async function refused(promise) {
  try {
    await promise
  } catch (error) {
    return [error.code, error.type]
  }
  throw new Error('it was not refused')
}

async function until(look) {
  for (let turn = 0; turn < 300; turn += 1) {
    const parts = await look()
    if (parts.every((part) => part.status === 'available')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('not available')
}

async function signUpAndIn() {
  const account = new Account(client().setKey(given.key))
  await account.create(ID.unique(), given.email, PASSWORD)
  const { secret } = await account.createEmailPasswordSession(given.email, PASSWORD)
  return client().setSession(secret)
}

const person = await signUpAndIn()
const OPEN = [Permission.create(Role.users()), Permission.read(Role.any())]

async function useTables() {
  const admin = new TablesDB(client().setKey(given.key))
  const mine = new TablesDB(person)
  const { $id: databaseId } = await admin.create({ databaseId: ID.unique(), name: 'Shop' })
  for (const tableId of ['authors', 'books']) {
    await admin.createTable({
      databaseId, tableId, name: tableId, permissions: OPEN, rowSecurity: true,
    })
    await admin.createStringColumn({ databaseId, tableId, key: 'name', size: 99, required: true })
  }
  await admin.createRelationshipColumn({
    databaseId, tableId: 'books', relatedTableId: 'authors', type: 'manyToOne', twoWay: true,
    key: 'author', twoWayKey: 'books', onDelete: 'cascade',
  })
  for (const tableId of ['authors', 'books']) {
    await until(async () => (await admin.getTable({ databaseId, tableId })).columns)
  }
  const author = await mine.createRow({
    databaseId, tableId: 'authors', rowId: ID.unique(), data: { name: '莫言' },
  })
  for (const name of ['蛙', '红高粱']) {
    await mine.createRow({
      databaseId, tableId: 'books', rowId: ID.unique(), data: { name, author: author.$id },
    })
  }
  const loaded = await mine.listRows({
    databaseId, tableId: 'books', queries: [Query.select(['*', 'author.*'])],
  })
  assert.deepEqual(loaded.rows.map((row) => row.author.name), ['莫言', '莫言'])
  const found = await mine.listRows({
    databaseId, tableId: 'books', queries: [Query.equal('author.name', '莫言')],
  })
  assert.equal(found.total, 2)
  await admin.deleteRow({ databaseId, tableId: 'authors', rowId: author.$id })
  assert.equal((await mine.listRows({ databaseId, tableId: 'books' })).total, 0)
  await admin.delete({ databaseId })
  assert.deepEqual(
    await refused(mine.listRows({ databaseId, tableId: 'books' })), [404, 'database_not_found'],
  )
}

async function useCollections() {
  const admin = new Databases(client().setKey(given.key))
  const mine = new Databases(person)
  const { $id: databaseId } = await admin.create(ID.unique(), 'Notes')
  const collectionId = 'notes'
  await admin.createCollection(databaseId, collectionId, 'Notes', OPEN, true)
  await admin.createStringAttribute(databaseId, collectionId, 'text', 500, true)
  await admin.createIntegerAttribute(databaseId, collectionId, 'size', false, 0, 100)
  await until(async () => (await admin.getCollection(databaseId, collectionId)).attributes)
  await admin.createIndex(databaseId, collectionId, 'by_text', 'unique', ['text'])
  await until(async () => (await admin.getCollection(databaseId, collectionId)).indexes)
  const data = { text: 'one', size: 5 }
  const note = await mine.createDocument(databaseId, collectionId, ID.unique(), data)
  assert.deepEqual(
    await refused(mine.createDocument(databaseId, collectionId, ID.unique(), data)),
    [409, 'document_already_exists'],
  )
  assert.deepEqual(
    await refused(mine.createDocument(databaseId, collectionId, ID.unique(), { size: 101 })),
    [400, 'document_invalid_structure'],
  )
  const changed = await mine.updateDocument(databaseId, collectionId, note.$id, { size: 6 })
  assert.equal(changed.size, 6)
  const guest = new Databases(client())
  assert.equal((await guest.getDocument(databaseId, collectionId, note.$id)).text, 'one')
  assert.equal((await refused(guest.deleteDocument(databaseId, collectionId, note.$id)))[0], 401)
  const { documents } = await guest.listDocuments(databaseId, collectionId, [
    Query.startsWith('text', 'o'), Query.orderDesc('$createdAt'), Query.limit(5),
  ])
  assert.deepEqual(documents.map((each) => each.$id), [note.$id])
  await mine.deleteDocument(databaseId, collectionId, note.$id)
  await admin.deleteCollection(databaseId, collectionId)
}

await useTables()
await useCollections()
console.log(JSON.stringify({ done: true }))
process.exit(0)
