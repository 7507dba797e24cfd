import { request } from '../../api/http'
import { CONSOLE, part, send, UNIQUE } from './v1'
import type { Account, MfaFactors, Session } from './types'

export type Factor = 'totp' | 'email' | 'recoverycode'

const own = <T>(path: string, options = {}): Promise<T> => send<T>(CONSOLE, `/account${path}`, options)

export const fetchAccount = (): Promise<Account> => own('')

export interface SignUp {
  name: string
  email: string
  password: string
  /** The one-time token of the instance's first sign-up */
  token: string
}

export function signUp({ token, ...person }: SignUp): Promise<Account> {
  const json = { userId: UNIQUE, ...person, ...(token ? { token } : {}) }
  return own('', { method: 'POST', json })
}

export const signIn = (email: string, password: string): Promise<Session> =>
  own('/sessions/email', { method: 'POST', json: { email, password } })

export const fetchSessions = (): Promise<{ sessions: Session[] }> => own('/sessions')

export const endSession = (id: string): Promise<void> =>
  own(`/sessions/${part(id)}`, { method: 'DELETE' })

export const endSessions = (): Promise<void> => own('/sessions', { method: 'DELETE' })

export const renameAccount = (name: string): Promise<Account> =>
  own('/name', { method: 'PATCH', json: { name } })

export const changeEmail = (email: string, password: string): Promise<Account> =>
  own('/email', { method: 'PATCH', json: { email, password } })

export const changePassword = (password: string, oldPassword: string): Promise<Account> =>
  own('/password', { method: 'PATCH', json: { password, oldPassword } })

export const askRecovery = (email: string, url: string): Promise<unknown> =>
  own('/recovery', { method: 'POST', json: { email, url } })

export const recover = (userId: string, secret: string, password: string): Promise<unknown> =>
  own('/recovery', { method: 'PUT', json: { userId, secret, password } })

export const askVerification = (url: string): Promise<unknown> =>
  own('/verifications/email', { method: 'POST', json: { url } })

export const verifyEmail = (userId: string, secret: string): Promise<unknown> =>
  own('/verifications/email', { method: 'PUT', json: { userId, secret } })

/** A session of whoever holds a mailed link, in the project that the link is of. */
export const redeemLink = (project: string, userId: string, secret: string): Promise<Session> =>
  request('/v1/account/sessions/token', {
    method: 'POST', json: { userId, secret }, headers: { 'X-Appwrite-Project': project },
  })

export const fetchFactors = (): Promise<MfaFactors> => own('/mfa/factors')

export const askChallenge = (factor: Factor): Promise<{ $id: string }> =>
  own('/mfa/challenge', { method: 'POST', json: { factor } })

export const answerChallenge = (challengeId: string, otp: string): Promise<Session> =>
  own('/mfa/challenge', { method: 'PUT', json: { challengeId, otp } })

export const setMfa = (mfa: boolean): Promise<Account> =>
  own('/mfa', { method: 'PATCH', json: { mfa } })

export const addAuthenticator = (): Promise<{ secret: string, uri: string }> =>
  own('/mfa/authenticators/totp', { method: 'POST' })

export const confirmAuthenticator = (otp: string): Promise<Account> =>
  own('/mfa/authenticators/totp', { method: 'PUT', json: { otp } })

export const removeAuthenticator = (): Promise<void> =>
  own('/mfa/authenticators/totp', { method: 'DELETE' })

export const makeRecoveryCodes = (isFirst: boolean): Promise<{ recoveryCodes: string[] }> =>
  own('/mfa/recovery-codes', { method: isFirst ? 'POST' : 'PATCH' })
