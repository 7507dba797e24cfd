import {
  buttonDark,
  checkboxDark,
  commonDark,
  createTheme,
  inputDark,
  progressDark,
  type GlobalTheme,
  type GlobalThemeOverrides,
} from 'naive-ui'
import type { Theme } from './useTheme'

const FONT = 'var(--font)'

const shape = {
  fontFamily: FONT,
  borderRadius: '10px',
  borderRadiusSmall: '8px',
  fontSize: '16px',
  fontSizeMedium: '15px',
  heightMedium: '40px',
}

/** naive-ui computes with these values, so they cannot be CSS variables. */
const lightCommon = {
  ...shape,
  primaryColor: '#0b66c3',
  primaryColorHover: '#0a59ab',
  primaryColorPressed: '#084a8f',
  primaryColorSuppl: '#0a59ab',
  errorColor: '#b3261e',
  textColor1: '#10202f',
  textColor2: '#10202f',
  textColor3: '#56677a',
  placeholderColor: '#66788b',
  borderColor: '#c4d1de',
  inputColor: '#ffffff',
}

const darkCommon = {
  ...shape,
  primaryColor: '#63b5ff',
  primaryColorHover: '#86c6ff',
  primaryColorPressed: '#4aa3f2',
  primaryColorSuppl: '#4aa3f2',
  errorColor: '#ff9a92',
  baseColor: '#06121f',
  textColor1: '#e7eef6',
  textColor2: '#e7eef6',
  textColor3: '#9db0c4',
  placeholderColor: '#8698ab',
  borderColor: '#3b4f65',
  inputColor: '#0f1926',
}

const components = {
  Button: { fontWeight: '500', paddingMedium: '0 16px', waveOpacity: '0' },
  Checkbox: { sizeMedium: '22px', borderRadius: '50%' },
} satisfies GlobalThemeOverrides

const dark: GlobalTheme = {
  ...createTheme('raindrop-dark', [buttonDark, checkboxDark, inputDark, progressDark]),
  common: commonDark,
}

export function naiveTheme(theme: Theme): GlobalTheme | null {
  return theme === 'dark' ? dark : null
}

const lightOverrides: GlobalThemeOverrides = {
  ...components,
  common: lightCommon,
  Input: { border: '1px solid #8e9fb0' },
  Checkbox: { ...components.Checkbox, border: '1.5px solid #8496a8' },
}

const darkOverrides: GlobalThemeOverrides = {
  ...components,
  common: darkCommon,
  Input: { border: '1px solid #5c7187' },
  Checkbox: { ...components.Checkbox, border: '1.5px solid #6a7f96' },
  Skeleton: { color: 'rgb(255 255 255 / 8%)', colorEnd: 'rgb(255 255 255 / 15%)' },
}

export function naiveOverrides(theme: Theme): GlobalThemeOverrides {
  return theme === 'dark' ? darkOverrides : lightOverrides
}
