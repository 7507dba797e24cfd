import { onScopeDispose, ref, shallowRef } from 'vue'
import { ApiError, asApiError } from '../api/http'
import { cancelJob, fetchJob, hasEnded, retryJob, type Job } from '../api/jobs'
import { readStored, session, writeStored } from './storage'

const FIRST_DELAY_MS = 300
const MAX_DELAY_MS = 2000
const DELAY_GROWTH = 1.4

type Starter<Result> = (signal: AbortSignal) => Promise<Job<Result>>

export type JobPhase = 'idle' | 'starting' | 'running' | 'ended'

/** Starts a background job and follows it to its end, also across page reloads. */
export function useJob<Result>(storageKey: string, onFinish: (job: Job<Result>) => void) {
  const phase = ref<JobPhase>('idle')
  const job = shallowRef<Job<Result> | null>(null)
  const error = shallowRef<ApiError | null>(null)
  const isUnstable = ref(false)
  const isCanceling = ref(false)
  let follower = 0
  let upload: AbortController | null = null
  let lastStarter: Starter<Result> | null = null

  async function start(starter: Starter<Result>): Promise<void> {
    reset()
    lastStarter = starter
    phase.value = 'starting'
    const controller = new AbortController()
    upload = controller
    try {
      follow(await starter(controller.signal))
    } catch (reason) {
      const failure = asApiError(reason)
      if (upload !== controller) return
      if (failure.type === 'client_aborted') reset()
      else fail(failure)
    }
  }

  async function resume(): Promise<void> {
    const id = readStored(session, storageKey)
    if (!id) return
    try {
      const known = await fetchJob<Result>(id)
      if (phase.value === 'idle') follow(known)
    } catch (reason) {
      // A job that is gone after a reload is old news; anything else may pass.
      if (asApiError(reason).status === 404) writeStored(session, storageKey, null)
      else if (phase.value === 'idle') void poll(id)
    }
  }

  function follow(current: Job<Result>): void {
    writeStored(session, storageKey, current.id)
    job.value = current
    error.value = null
    if (hasEnded(current)) end(current)
    else void poll(current.id)
  }

  async function poll(id: string): Promise<void> {
    follower += 1
    const me = follower
    phase.value = 'running'
    let delay = FIRST_DELAY_MS
    let pause = delay
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, pause))
      if (me !== follower) return
      delay = Math.min(delay * DELAY_GROWTH, MAX_DELAY_MS)
      pause = delay
      try {
        const current = await fetchJob<Result>(id)
        if (me !== follower) return
        isUnstable.value = false
        job.value = current
        if (hasEnded(current)) { end(current); return }
      } catch (reason) {
        const failure = asApiError(reason)
        if (me !== follower) return
        if (failure.status === 404) { fail(failure); return }
        isUnstable.value = true
        pause = Math.max(MAX_DELAY_MS, (failure.retryAfter ?? 0) * 1000)
      }
    }
  }

  function end(current: Job<Result>): void {
    stop()
    job.value = current
    phase.value = 'ended'
    onFinish(current)
  }

  function fail(failure: ApiError): void {
    stop()
    error.value = failure
    phase.value = 'ended'
    if (failure.status === 404) forget()
  }

  async function cancel(): Promise<void> {
    if (phase.value === 'starting') { upload?.abort(); return }
    const id = job.value?.id
    if (!id) return
    isCanceling.value = true
    try {
      const current = await cancelJob<Result>(id)
      if (phase.value !== 'running') return
      job.value = current
      if (hasEnded(current)) end(current)
    } catch (reason) {
      isCanceling.value = false
      // A conflict means it ended meanwhile, which polling is about to show.
      const failure = asApiError(reason)
      if (failure.status !== 409 && phase.value === 'running') error.value = failure
    }
  }

  async function retry(): Promise<void> {
    const ended = job.value
    if (!ended) {
      if (lastStarter) await start(lastStarter)
      return
    }
    try {
      follow(await retryJob<Result>(ended.id))
    } catch (reason) {
      error.value = asApiError(reason)
    }
  }

  function stop(): void {
    follower += 1
    upload = null
    isUnstable.value = false
    isCanceling.value = false
  }

  function forget(): void {
    job.value = null
    forgetStored()
  }

  function forgetStored(): void {
    writeStored(session, storageKey, null)
  }

  function reset(): void {
    stop()
    forget()
    error.value = null
    phase.value = 'idle'
  }

  onScopeDispose(stop)

  return {
    phase, job, error, isUnstable, isCanceling,
    start, resume, cancel, retry, dismiss: reset, forgetStored,
  }
}

/** What a status card needs to know and do. */
export type JobHandle<Result> = Omit<
  ReturnType<typeof useJob<Result>>,
  'start' | 'resume' | 'forgetStored'
>
