import { computed, watchEffect } from 'vue'
import { i18n, LOCALE_KEY, type AppLocale } from './i18n'
import { local, writeStored } from './storage'

const TAGS: Readonly<Record<AppLocale, string>> = { en: 'en', zh: 'zh-CN' }

const { locale, t } = i18n.global

export const languageTag = computed(() => TAGS[locale.value])

export function useLocale() {
  function toggleLocale(): void {
    locale.value = locale.value === 'en' ? 'zh' : 'en'
    writeStored(local, LOCALE_KEY, locale.value)
  }

  return { locale, languageTag, toggleLocale }
}

/** Keeps the document's language and title; the title is said anew in each language. */
export function reflectLocaleInDocument(title: () => string = () => t('app.title')): void {
  watchEffect(() => {
    document.documentElement.lang = languageTag.value
    document.title = title()
  })
}
