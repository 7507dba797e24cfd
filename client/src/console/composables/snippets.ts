export const LANGUAGES = ['web', 'node', 'python', 'curl'] as const

export type Language = (typeof LANGUAGES)[number]

interface Facts {
  endpoint: string
  projectId: string
  /** A key's secret, or what stands for it */
  key: string
}

/** What a person runs first, in the project's own client library. */
export const INSTALLS: Readonly<Record<Language, string>> = {
  web: 'npm install appwrite',
  node: 'npm install node-appwrite',
  python: 'pip install appwrite',
  curl: '',
}

const WRITERS: Readonly<Record<Language, (facts: Facts) => string>> = {
  web: ({ endpoint, projectId }) => `import { Account, Client, ID } from 'appwrite'

const client = new Client()
  .setEndpoint('${endpoint}')
  .setProject('${projectId}')

const account = new Account(client)
const email = 'ann@example.com'
const password = 'a long password'

await account.create({ userId: ID.unique(), email, password, name: 'Ann' })
await account.createEmailPasswordSession({ email, password })
console.log(await account.get())
`,
  node: ({ endpoint, projectId, key }) => `import { Client, Users } from 'node-appwrite'

const client = new Client()
  .setEndpoint('${endpoint}')
  .setProject('${projectId}')
  .setKey('${key}')

const users = new Users(client)
console.log(await users.list())
`,
  python: ({ endpoint, projectId, key }) => `from appwrite.client import Client
from appwrite.services.users import Users

client = Client()
client.set_endpoint("${endpoint}")
client.set_project("${projectId}")
client.set_key("${key}")

users = Users(client)
print(users.list())
`,
  curl: ({ endpoint, projectId, key }) => `curl '${endpoint}/users' \\
  -H 'X-Appwrite-Project: ${projectId}' \\
  -H 'X-Appwrite-Key: ${key}'
`,
}

export function snippet(language: Language, facts: Facts): string {
  return WRITERS[language](facts)
}
