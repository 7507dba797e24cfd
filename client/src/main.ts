import { createApp } from 'vue'
import App from './App.vue'
import { i18n } from './composables/i18n'
import { reflectLocaleInDocument } from './composables/useLocale'
import { reflectThemeInDocument } from './composables/useTheme'
import './styles/base.css'

reflectLocaleInDocument()
reflectThemeInDocument()

createApp(App).use(i18n).mount('#app')
