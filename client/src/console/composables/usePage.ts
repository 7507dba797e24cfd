import { computed } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export const PAGE_SIZE = 25

/** A list's page, search and filters, kept in the address so that it can be shared and reloaded. */
export function usePage() {
  const route = useRoute()
  const router = useRouter()

  const page = computed(() => Math.max(1, Math.floor(Number(route.query.page)) || 1))
  const start = computed(() => (page.value - 1) * PAGE_SIZE)

  function filter(name: string): string {
    const value = route.query[name]
    return typeof value === 'string' ? value : ''
  }

  function set(changes: Readonly<Record<string, string>>): void {
    const query: Record<string, unknown> = { ...route.query, page: undefined, before: undefined, ...changes }
    for (const [name, value] of Object.entries(query)) if (value === '') query[name] = undefined
    void router.replace({ query: query as Record<string, string> })
  }

  function goTo(number: number): void {
    set({ page: number > 1 ? String(number) : '' })
  }

  return { page, start, size: PAGE_SIZE, filter, set, goTo }
}
