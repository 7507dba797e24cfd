import { inject, provide, type InjectionKey, type Ref } from 'vue'
import type { Project } from '../api/types'

export interface ProjectHandle {
  project: Ref<Project>
  replace: (project: Project) => void
}

const KEY: InjectionKey<ProjectHandle> = Symbol('project')

export function provideProject(handle: ProjectHandle): void {
  provide(KEY, handle)
}

/** The project that the page is in. */
export function useProject(): ProjectHandle {
  const handle = inject(KEY)
  if (!handle) throw new Error('not inside a project')
  return handle
}
