import { createApp } from 'vue'
import App from './App.vue'
import { i18n } from './composables/i18n'
import { reflectLocaleInDocument } from './composables/useLocale'
import { reflectThemeInDocument } from './composables/useTheme'
import './styles/base.css'

reflectThemeInDocument()

if (/^\/console(\/|$)/.test(location.pathname)) {
  // Loaded on its own, so that the public page stays as small as it was.
  void import('./console/main').then(({ startConsole }) => { startConsole() })
} else {
  reflectLocaleInDocument()
  createApp(App).use(i18n).mount('#app')
}
