import { createI18n } from 'vue-i18n'
import en from '../locales/en.json'
import zh from '../locales/zh.json'
import { local, readStored } from './storage'

export type AppLocale = 'en' | 'zh'

export const LOCALE_KEY = 'raindrop.locale'

function initialLocale(): AppLocale {
  const wanted = readStored(local, LOCALE_KEY) ?? navigator.language
  return wanted.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

export const i18n = createI18n({
  legacy: false,
  locale: initialLocale(),
  fallbackLocale: 'en',
  messages: { en, zh },
})
