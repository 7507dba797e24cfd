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

const indent = (text: string, by: string): string => text.replaceAll('\n', `\n${by}`)

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
  data: ${indent(JSON.stringify(data, null, 2), '  ')},
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

const python = (value: unknown): string => JSON.stringify(value, null, 4)
  .replaceAll(/: (true|false|null)\b/g, (_, word: string) => `: ${{ true: 'True', false: 'False', null: 'None' }[word] ?? word}`)

const documentPython = ({ database, collection, data }: Facts): string => `place = {"database_id": "${database}", "collection_id": "${collection}"}

databases.create_document(
    **place,
    document_id=ID.unique(),
    data=${indent(python(data), '    ')},
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
