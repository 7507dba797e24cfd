import { onMounted } from 'vue'
import { jobFilePath, startExport, type ExportFormat, type Job } from '../api/jobs'
import { useJob } from './useJob'

const STORAGE_KEY = 'raindrop.export'

function download(job: Job): void {
  if (job.status !== 'finished' || !job.file) return
  const link = document.createElement('a')
  link.href = jobFilePath(job.id)
  link.download = job.file.name
  link.click()
}

export function useExport() {
  const { start, resume, forgetStored, ...rest } = useJob<unknown>(STORAGE_KEY, (job) => {
    // A reload must not download the same file again.
    forgetStored()
    download(job)
  })

  onMounted(() => void resume())

  return {
    ...rest,
    start: (format: ExportFormat): void => { void start((signal) => startExport(format, signal)) },
  }
}
