export const ACTIONS = ['create', 'read', 'update', 'delete'] as const

export type Action = (typeof ACTIONS)[number]

/** Who may do what, by role: the form in which a matrix shows permissions. */
export type Matrix = Map<string, Set<Action>>

const WRITE: readonly Action[] = ['create', 'update', 'delete']

/** `read("user:ID")` and the like; `write` stands for three. */
export function toMatrix(permissions: readonly string[]): Matrix {
  const matrix: Matrix = new Map()
  for (const text of permissions) {
    const [, action = '', role = ''] = /^(\w+)\("(.+)"\)$/.exec(text) ?? []
    const actions = action === 'write' ? WRITE : [action as Action]
    const known = matrix.get(role) ?? new Set<Action>()
    for (const each of actions) known.add(each)
    if (role) matrix.set(role, known)
  }
  return matrix
}

export function fromMatrix(matrix: Matrix, actions: readonly Action[]): string[] {
  return [...matrix].flatMap(([role, allowed]) =>
    actions.filter((action) => allowed.has(action)).map((action) => `${action}("${role}")`))
}

/** Roles that can be chosen without naming anybody. */
export const PLAIN_ROLES = ['any', 'guests', 'users'] as const

/** Roles that are of somebody: a user, a team, a membership or a label. */
export const NAMED_ROLES = ['user', 'team', 'member', 'label'] as const

export type RoleKind = (typeof PLAIN_ROLES)[number] | (typeof NAMED_ROLES)[number]
