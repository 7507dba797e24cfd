import {
  createTheme,
  drawerDark,
  modalDark,
  switchDark,
  type GlobalTheme,
  type GlobalThemeOverrides,
} from 'naive-ui'
import { naiveOverrides, naiveTheme } from '../composables/naiveTheme'
import type { Theme } from '../composables/useTheme'

const SURFACES: Readonly<Record<Theme, string>> = { light: '#ffffff', dark: '#121d2b' }

/** The site's theme with the parts that only the console has. */
export function consoleTheme(theme: Theme): GlobalTheme | null {
  const site = naiveTheme(theme)
  return site && { ...createTheme('raindrop-console-dark', [drawerDark, modalDark, switchDark]), ...site }
}

export function consoleOverrides(theme: Theme): GlobalThemeOverrides {
  return {
    ...naiveOverrides(theme),
    Drawer: { color: SURFACES[theme], bodyPadding: '0' },
    Switch: theme === 'dark' ? { railColor: '#3b4f65' } : { railColor: '#b4c1cd' },
  }
}
