export const SDK_LANGUAGES = ['web', 'node', 'python'] as const

export type SdkLanguage = (typeof SDK_LANGUAGES)[number]

interface Facts {
  endpoint: string
  project: string
  database: string
  collection: string
  /** What stands for a key */
  key: string
  /** What a document holds, by key */
  data: Record<string, unknown>
}

/** What the example shows: a collection made, or a document made and found. */
export type SnippetTopic = 'collection' | 'document'

/** A value as JavaScript has it, on one line. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  return typeof value === 'string' && !/['\\]/.test(value) ? `'${value}'` : JSON.stringify(value)
}

const fields = (data: Record<string, unknown>): string => Object.entries(data)
  .map(([key, value]) => `    ${/^[A-Za-z_]\w*$/.test(key) ? key : literal(key)}: ${literal(value)},\n`).join('')

/** The same in Python. */
function pythonLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(', ')}]`
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return JSON.stringify(value)
}

const pythonFields = (data: Record<string, unknown>): string => Object.entries(data)
  .map(([key, value]) => `        ${JSON.stringify(key)}: ${pythonLiteral(value)},\n`).join('')

const script = (library: string, facts: Facts, withKey: boolean, body: string): string =>
  `import { Client, Databases, ID, Query } from '${library}'

const client = new Client()
  .setEndpoint('${facts.endpoint}')
  .setProject('${facts.project}')
${withKey ? `  .setKey('${facts.key}')\n` : ''}
const databases = new Databases(client)
${body}`

const documentScript = ({ database, collection, data }: Facts): string => `const databaseId = '${database}'
const collectionId = '${collection}'

await databases.createDocument({
  databaseId,
  collectionId,
  documentId: ID.unique(),
  data: {
${fields(data)}  },
})
console.log(await databases.listDocuments({
  databaseId,
  collectionId,
  queries: [Query.orderDesc('$createdAt'), Query.limit(10)],
}))
`

const collectionScript = ({ database }: Facts): string => `const databaseId = '${database}'
const collectionId = 'articles'

await databases.createCollection({ databaseId, collectionId, name: 'Articles' })
await databases.createStringAttribute({
  databaseId,
  collectionId,
  key: 'title',
  size: 200,
  required: true,
})
`

const pythonHead = (facts: Facts): string => `from appwrite.client import Client
from appwrite.id import ID
from appwrite.query import Query
from appwrite.services.databases import Databases

client = Client()
client.set_endpoint("${facts.endpoint}")
client.set_project("${facts.project}")
client.set_key("${facts.key}")

databases = Databases(client)
`

const documentPython = ({ database, collection, data }: Facts): string => `place = {"database_id": "${database}", "collection_id": "${collection}"}

databases.create_document(
    **place,
    document_id=ID.unique(),
    data={
${pythonFields(data)}    },
)
print(databases.list_documents(
    **place, queries=[Query.order_desc("$createdAt"), Query.limit(10)]
))
`

const collectionPython = ({ database }: Facts): string => `place = {"database_id": "${database}", "collection_id": "articles"}

databases.create_collection(**place, name="Articles")
databases.create_string_attribute(**place, key="title", size=200, required=True)
`

export function databaseSnippet(language: SdkLanguage, topic: SnippetTopic, facts: Facts): string {
  if (language === 'python') {
    return pythonHead(facts) + (topic === 'document' ? documentPython(facts) : collectionPython(facts))
  }
  const body = topic === 'document' ? documentScript(facts) : collectionScript(facts)
  return language === 'web'
    ? script('appwrite', facts, false, body)
    : script('node-appwrite', facts, true, body)
}
