import { computed, ref, shallowRef } from 'vue'
import { asApiError, type ApiError } from '../../api/http'
import { endSession, fetchAccount } from '../api/account'
import { fetchInstance, type Instance } from '../api/instance'
import type { Account } from '../api/types'

/** `half`: signed in, but the account wants a second factor. */
export type OperatorState = 'unknown' | 'guest' | 'half' | 'signedIn'

const state = ref<OperatorState>('unknown')
const account = shallowRef<Account | null>(null)
const instance = shallowRef<Instance | null>(null)
/** Why it could not be found out who is here. */
const failure = shallowRef<ApiError | null>(null)

async function look(): Promise<void> {
  try {
    account.value = await fetchAccount()
    state.value = 'signedIn'
  } catch (reason) {
    const error = asApiError(reason)
    if (error.status !== 401) throw error
    account.value = null
    state.value = error.type === 'user_more_factors_required' ? 'half' : 'guest'
  }
}

/** Find out who is here, and of a guest whether anybody has an account yet. */
async function refresh(): Promise<void> {
  failure.value = null
  try {
    await look()
    if (state.value !== 'signedIn') instance.value = await fetchInstance()
  } catch (reason) {
    state.value = 'unknown'
    failure.value = asApiError(reason)
  }
}

async function signOut(): Promise<void> {
  await endSession('current')
  account.value = null
  state.value = 'guest'
  instance.value = null
}

/** The signed-in operator, shared by all pages. */
export function useOperator() {
  const isSignedIn = computed(() => state.value === 'signedIn')
  return { state, account, instance, failure, isSignedIn, refresh, signOut }
}
