import { onMounted, onScopeDispose, ref } from 'vue'

/** Accepts a file dropped anywhere on the page. */
export function useFileDrop(onFile: (file: File) => void) {
  const isDragging = ref(false)
  /** Every element the pointer crosses fires its own enter and leave. */
  let depth = 0

  function carriesFile(event: DragEvent): boolean {
    return event.dataTransfer?.types.includes('Files') ?? false
  }

  function onEnter(event: DragEvent): void {
    if (!carriesFile(event)) return
    depth += 1
    isDragging.value = true
  }

  function onOver(event: DragEvent): void {
    if (carriesFile(event)) event.preventDefault()
  }

  function onLeave(event: DragEvent): void {
    if (!carriesFile(event)) return
    depth = Math.max(0, depth - 1)
    isDragging.value = depth > 0
  }

  function onDrop(event: DragEvent): void {
    if (!carriesFile(event)) return
    event.preventDefault()
    depth = 0
    isDragging.value = false
    const file = event.dataTransfer?.files[0]
    if (file) onFile(file)
  }

  onMounted(() => {
    window.addEventListener('dragenter', onEnter)
    window.addEventListener('dragover', onOver)
    window.addEventListener('dragleave', onLeave)
    window.addEventListener('drop', onDrop)
  })
  onScopeDispose(() => {
    window.removeEventListener('dragenter', onEnter)
    window.removeEventListener('dragover', onOver)
    window.removeEventListener('dragleave', onLeave)
    window.removeEventListener('drop', onDrop)
  })

  return { isDragging }
}
