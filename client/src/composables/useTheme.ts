import { computed, ref, watchEffect } from 'vue'
import { local, readStored, writeStored } from './storage'

export type Theme = 'light' | 'dark'

const THEME_KEY = 'raindrop.theme'
const BROWSER_COLORS: Readonly<Record<Theme, string>> = { light: '#eef4fa', dark: '#0b131e' }

const systemQuery = window.matchMedia('(prefers-color-scheme: dark)')
const system = ref<Theme>(systemQuery.matches ? 'dark' : 'light')
const chosen = ref<Theme | null>(storedTheme())
const theme = computed<Theme>(() => chosen.value ?? system.value)

systemQuery.addEventListener('change', (event) => {
  system.value = event.matches ? 'dark' : 'light'
})

function storedTheme(): Theme | null {
  const stored = readStored(local, THEME_KEY)
  return stored === 'light' || stored === 'dark' ? stored : null
}

export function useTheme() {
  function toggleTheme(): void {
    chosen.value = theme.value === 'dark' ? 'light' : 'dark'
    writeStored(local, THEME_KEY, chosen.value)
  }

  return { theme, toggleTheme }
}

export function reflectThemeInDocument(): void {
  watchEffect(() => {
    document.documentElement.dataset.theme = theme.value
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
      meta.content = BROWSER_COLORS[theme.value]
    }
  })
}
