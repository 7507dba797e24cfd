/** What `/v1` answers, as far as the console shows it. Times are ISO 8601, empty for none. */

export interface Row {
  $id: string
  $createdAt: string
  $updatedAt: string
}

export interface Account extends Row {
  name: string
  email: string
  phone: string
  /** false: suspended */
  status: boolean
  labels: string[]
  registration: string
  passwordUpdate: string
  emailVerification: boolean
  phoneVerification: boolean
  mfa: boolean
  accessedAt: string
}

export interface Agent {
  ip: string
  osName: string
  osVersion: string
  clientType: string
  clientName: string
  clientVersion: string
  deviceName: string
  countryCode: string
  countryName: string
}

export interface Session extends Row, Agent {
  userId: string
  expire: string
  provider: string
  current: boolean
}

export interface Membership extends Row {
  userId: string
  userName: string
  userEmail: string
  teamId: string
  teamName: string
  invited: string
  joined: string
  confirm: boolean
  mfa: boolean
  roles: string[]
}

export interface Team extends Row {
  name: string
  total: number
}

export interface Key extends Row {
  name: string
  /** Empty: never */
  expire: string
  scopes: string[]
  /** Only in the answer that made it */
  secret: string
  accessedAt: string
  sdks: string[]
}

export interface Platform extends Row {
  name: string
  type: string
  key: string
  store: string
  hostname: string
}

export interface OAuthProvider {
  key: string
  name: string
  appId: string
  secret: string
  enabled: boolean
}

export interface Project extends Row {
  name: string
  description: string
  teamId: string
  authDuration: number
  authLimit: number
  authSessionsLimit: number
  authPasswordHistory: number
  authPasswordDictionary: boolean
  authPersonalDataCheck: boolean
  authSessionAlerts: boolean
  authInvalidateSessions: boolean
  authEmailPassword: boolean
  authUsersAuthMagicURL: boolean
  authEmailOtp: boolean
  authAnonymous: boolean
  authInvites: boolean
  authJWT: boolean
  oAuthProviders: OAuthProvider[]
  platforms: Platform[]
  keys: Key[]
  smtpEnabled: boolean
  smtpSenderName: string
  smtpSenderEmail: string
  smtpReplyTo: string
  smtpHost: string
  smtpPort: number
  smtpUsername: string
  smtpSecure: string
  serviceStatusForAccount: boolean
  serviceStatusForAvatars: boolean
  serviceStatusForDatabases: boolean
  serviceStatusForTablesdb: boolean
  serviceStatusForLocale: boolean
  serviceStatusForHealth: boolean
  serviceStatusForStorage: boolean
  serviceStatusForTeams: boolean
  serviceStatusForUsers: boolean
  serviceStatusForSites: boolean
  serviceStatusForFunctions: boolean
  serviceStatusForGraphql: boolean
  serviceStatusForMessaging: boolean
}

export interface MfaFactors {
  totp: boolean
  email: boolean
  phone: boolean
  recoveryCode: boolean
}

export interface Identity extends Row {
  provider: string
  providerUid: string
  providerEmail: string
}
