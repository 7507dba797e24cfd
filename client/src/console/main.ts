import { createApp } from 'vue'
import { i18n } from '../composables/i18n'
import { reflectLocaleInDocument } from '../composables/useLocale'
import ConsoleApp from './ConsoleApp.vue'
import { subject } from './composables/title'
import en from './locales/en.json'
import zh from './locales/zh.json'
import { router } from './router'
import './console.css'

/** Mount the console in place of the site. */
export function startConsole(): void {
  i18n.global.mergeLocaleMessage('en', en)
  i18n.global.mergeLocaleMessage('zh', zh)
  const { t } = i18n.global
  reflectLocaleInDocument(() => {
    const { title } = router.currentRoute.value.meta
    return [title && t(title), subject.value, t('console.title')].filter(Boolean).join(' · ')
  })
  createApp(ConsoleApp).use(i18n).use(router).mount('#app')
}
