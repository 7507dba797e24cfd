/** What a key may be allowed, by the service that it is about. */
export const SCOPE_GROUPS = {
  auth: ['sessions.write', 'users.read', 'users.write', 'teams.read', 'teams.write'],
  databases: [
    'databases.read', 'databases.write', 'collections.read', 'collections.write', 'tables.read',
    'tables.write', 'attributes.read', 'attributes.write', 'columns.read', 'columns.write',
    'indexes.read', 'indexes.write', 'documents.read', 'documents.write', 'rows.read', 'rows.write',
  ],
  storage: ['files.read', 'files.write', 'buckets.read', 'buckets.write', 'tokens.read', 'tokens.write'],
  functions: [
    'functions.read', 'functions.write', 'execution.read', 'execution.write', 'sites.read',
    'sites.write', 'log.read', 'log.write', 'rules.read', 'rules.write', 'vcs.read', 'vcs.write',
  ],
  messaging: [
    'providers.read', 'providers.write', 'messages.read', 'messages.write', 'topics.read',
    'topics.write', 'subscribers.read', 'subscribers.write', 'targets.read', 'targets.write',
  ],
  other: [
    'locale.read', 'avatars.read', 'health.read', 'migrations.read', 'migrations.write',
    'assistant.read',
  ],
} as const satisfies Record<string, readonly string[]>

export type ScopeGroup = keyof typeof SCOPE_GROUPS

export const ALL_SCOPES: readonly string[] = Object.values(SCOPE_GROUPS).flat()
