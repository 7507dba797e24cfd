import { i18n } from '../../composables/i18n'
import { changeProject } from '../api/projects'
import { useAction } from './useAction'
import { useProject } from './useProject'

/** Switches that take effect at once: which of them is at work, and the project as it is then. */
export function useSetting() {
  const { project, replace } = useProject()
  const { running, run } = useAction()

  function set(name: string, rest: string, json: unknown): void {
    void run(name, async () => {
      replace(await changeProject(project.value.$id, rest, json))
    }, i18n.global.t('dialog.saved'))
  }

  return { project, replace, running, set }
}
