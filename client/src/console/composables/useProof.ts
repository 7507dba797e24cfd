import { computed } from 'vue'
import { useRoute } from 'vue-router'

/** The ids and the one-time secret that a mail's link brings along. */
export function useProof() {
  const route = useRoute()

  function text(name: string): string {
    const value = route.query[name]
    return typeof value === 'string' ? value : ''
  }

  return {
    userId: computed(() => text('userId')),
    secret: computed(() => text('secret')),
    teamId: computed(() => text('teamId')),
    teamName: computed(() => text('teamName')),
    membershipId: computed(() => text('membershipId')),
    project: computed(() => text('project')),
  }
}
