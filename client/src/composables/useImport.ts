import { computed, onMounted, ref, shallowRef } from 'vue'
import { IMPORT_MAX_BYTES, startImport, type ImportResult } from '../api/jobs'
import { i18n } from './i18n'
import { formatBytes } from './useFormat'
import { useJob } from './useJob'

const STORAGE_KEY = 'raindrop.import'

type Problem = 'tooLarge' | 'emptyFile' | 'wrongType'

function problemOf(file: File): Problem | null {
  if (!/\.(csv|jsonl)$/i.test(file.name)) return 'wrongType'
  if (file.size === 0) return 'emptyFile'
  return file.size > IMPORT_MAX_BYTES ? 'tooLarge' : null
}

export function useImport(onEnd: () => void) {
  const fileName = ref('')
  const refused = shallowRef<{ kind: Problem, file: File } | null>(null)
  const job = useJob<ImportResult>(STORAGE_KEY, onEnd)

  const isBusy = computed(() => job.phase.value === 'starting' || job.phase.value === 'running')

  /** In the language of the moment, hence computed from what was refused. */
  const problem = computed(() => refused.value && i18n.global.t(`import.${refused.value.kind}`, {
    name: refused.value.file.name,
    size: formatBytes(refused.value.file.size),
    limit: formatBytes(IMPORT_MAX_BYTES),
  }))

  function clearProblem(): void {
    refused.value = null
  }

  /** Returns whether the file was accepted for upload. */
  function take(file: File): boolean {
    const kind = problemOf(file)
    refused.value = kind && { kind, file }
    if (kind) return false
    fileName.value = file.name
    void job.start((signal) => startImport(file, signal))
    return true
  }

  onMounted(() => void job.resume())

  return { job, isBusy, fileName, problem, clearProblem, take }
}
