import type { Row } from './types'

/** What the server's worker makes is `processing` first; `stuck` is what it could not take away. */
export type PartStatus = 'available' | 'processing' | 'deleting' | 'stuck' | 'failed'

export interface Database extends Row {
  name: string
  enabled: boolean
}

export type RelationType = 'oneToOne' | 'oneToMany' | 'manyToOne' | 'manyToMany'

export type OnDelete = 'restrict' | 'cascade' | 'setNull'

export interface Attribute {
  key: string
  type: string
  status: PartStatus
  /** Why it failed or is stuck */
  error: string
  required: boolean
  array?: boolean
  /** `email`, `enum`, `ip` or `url`, of text only */
  format?: string
  default?: unknown
  size?: number
  min?: number | null
  max?: number | null
  elements?: string[]
  /** Unreadable where it is stored; no query, order or index is by it */
  encrypt?: boolean
  relatedCollection?: string
  relationType?: RelationType
  twoWay?: boolean
  twoWayKey?: string
  onDelete?: OnDelete
  side?: 'parent' | 'child'
}

export interface Index {
  key: string
  type: string
  status: PartStatus
  error: string
  attributes: string[]
  orders?: (string | null)[]
}

export interface Collection extends Row {
  $permissions: string[]
  databaseId: string
  name: string
  enabled: boolean
  documentSecurity: boolean
  attributes: Attribute[]
  indexes: Index[]
}

export interface Document extends Row {
  $sequence: number | string
  $permissions: string[]
  [attribute: string]: unknown
}
