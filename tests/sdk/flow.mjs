// What an app developer does with npm's node-appwrite. One argument, JSON: endpoint, project, key,
// narrowKey (users.read only), email, invited. Asks its parent for mails by a line on its standard
// output and reads the link from its standard input.
import assert from 'node:assert/strict'
import { createInterface } from 'node:readline'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const given = JSON.parse(process.argv[2])
const require = createRequire(pathToFileURL(`${process.cwd()}/`))
const { Account, Client, ID, Query, Teams, Users } = require('node-appwrite')

const PASSWORD = 'correct horse 1'
const PAGE = 'http://localhost/page'
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

const client = () => new Client().setEndpoint(given.endpoint).setProject(given.project)

async function askForLink(mail, recipient) {
  console.log(JSON.stringify({ mail, recipient }))
  const { value } = await lines.next()
  return Object.fromEntries(new URL(value).searchParams)
}

async function refused(promise) {
  try {
    await promise
  } catch (error) {
    return [error.code, error.type]
  }
  throw new Error('it was not refused')
}

const byKey = new Account(client().setKey(given.key))
const made = await byKey.create(ID.unique(), given.email, PASSWORD, 'Ann')
assert.equal(made.email, given.email)
const session = await byKey.createEmailPasswordSession(given.email, PASSWORD)
assert.ok(session.secret)
const signedIn = client().setSession(session.secret)

const account = new Account(signedIn)
assert.equal((await account.get()).$id, made.$id)
assert.equal((await account.updateName('Anna')).name, 'Anna')
await account.updatePrefs({ theme: 'dark' })
assert.deepEqual(await account.getPrefs(), { theme: 'dark' })
assert.equal((await account.listSessions()).total, 1)
const { jwt } = await account.createJWT()
assert.equal((await new Account(client().setJWT(jwt)).get()).$id, made.$id)
assert.deepEqual(await refused(new Account(client()).get()), [401, 'general_unauthorized_scope'])

const teams = new Teams(signedIn)
const team = await teams.create(ID.unique(), 'The team')
const membership = await teams.createMembership(
  team.$id, ['editor'], given.invited, undefined, undefined, PAGE,
)
assert.equal(membership.confirm, false)
const invitation = await askForLink('invitation', given.invited)
const accepted = await new Teams(client()).updateMembershipStatus(
  invitation.teamId, invitation.membershipId, invitation.userId, invitation.secret,
)
assert.equal(accepted.confirm, true)
assert.equal((await teams.get(team.$id)).total, 2)

const users = new Users(client().setKey(given.key))
const found = await users.list([Query.equal('email', given.email), Query.limit(1)])
assert.equal(found.users[0].$id, made.$id)
assert.deepEqual((await users.updateLabels(made.$id, ['vip'])).labels, ['vip'])
const narrow = new Users(client().setKey(given.narrowKey))
assert.equal((await narrow.get(made.$id)).$id, made.$id)
assert.deepEqual(await refused(narrow.delete(made.$id)), [401, 'general_unauthorized_scope'])
await users.updateStatus(made.$id, false)
assert.equal((await refused(account.get()))[0], 401)
await users.updateStatus(made.$id, true)

await new Account(client()).createRecovery(given.email, PAGE)
const recovery = await askForLink('recovery', given.email)
await new Account(client()).updateRecovery(recovery.userId, recovery.secret, 'another horse 2')
assert.ok((await byKey.createEmailPasswordSession(given.email, 'another horse 2')).secret)

console.log(JSON.stringify({ done: true }))
process.exit(0)
