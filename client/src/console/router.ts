import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { watch } from 'vue'
import { useOperator } from './composables/useOperator'
import { subject } from './composables/title'
import { watchRefusals } from './api/v1'

declare module 'vue-router' {
  interface RouteMeta {
    /** The key of the page's title */
    title: string
    /** Who the page is for; by default whoever is signed in */
    for?: 'guest' | 'anyone'
  }
}

const project: RouteRecordRaw[] = [
  { path: '', name: 'overview', meta: { title: 'overview.title' }, component: () => import('./pages/OverviewPage.vue') },
  { path: 'users', name: 'users', meta: { title: 'users.title' }, component: () => import('./pages/UsersPage.vue') },
  { path: 'users/:userId', name: 'user', meta: { title: 'users.one' }, component: () => import('./pages/UserPage.vue') },
  { path: 'teams', name: 'teams', meta: { title: 'teams.title' }, component: () => import('./pages/TeamsPage.vue') },
  { path: 'teams/:teamId', name: 'team', meta: { title: 'teams.one' }, component: () => import('./pages/TeamPage.vue') },
  { path: 'keys', name: 'keys', meta: { title: 'keys.title' }, component: () => import('./pages/KeysPage.vue') },
  { path: 'platforms', name: 'platforms', meta: { title: 'platforms.title' }, component: () => import('./pages/PlatformsPage.vue') },
  { path: 'audits', name: 'audits', meta: { title: 'audits.title' }, component: () => import('./pages/AuditsPage.vue') },
  { path: 'mails', name: 'mails', meta: { title: 'mails.title' }, component: () => import('./pages/MailsPage.vue') },
  { path: 'mails/:mailId', name: 'mail', meta: { title: 'mails.one' }, component: () => import('./pages/MailPage.vue') },
  { path: 'access', name: 'access', meta: { title: 'access.title' }, component: () => import('./pages/AccessPage.vue') },
  { path: 'settings', redirect: { name: 'settings', params: { tab: 'general' } } },
  { path: 'settings/:tab', name: 'settings', meta: { title: 'settings.title' }, component: () => import('./pages/SettingsPage.vue') },
]

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'projects', meta: { title: 'projects.title' }, component: () => import('./pages/ProjectsPage.vue') },
  { path: '/account', name: 'account', meta: { title: 'account.title' }, component: () => import('./pages/AccountPage.vue') },
  { path: '/mails', name: 'own-mails', meta: { title: 'mails.own' }, component: () => import('./pages/OwnMailsPage.vue') },
  { path: '/mails/:mailId', name: 'own-mail', meta: { title: 'mails.one' }, component: () => import('./pages/OwnMailPage.vue') },
  { path: '/sign-in', name: 'sign-in', meta: { title: 'signIn.title', for: 'guest' }, component: () => import('./pages/SignInPage.vue') },
  { path: '/sign-up', name: 'sign-up', meta: { title: 'signUp.title', for: 'guest' }, component: () => import('./pages/SignUpPage.vue') },
  { path: '/forgot', name: 'forgot', meta: { title: 'forgot.title', for: 'guest' }, component: () => import('./pages/ForgotPage.vue') },
  { path: '/recovery', name: 'recovery', meta: { title: 'recovery.title', for: 'anyone' }, component: () => import('./pages/RecoveryPage.vue') },
  { path: '/verification', name: 'verification', meta: { title: 'verification.title', for: 'anyone' }, component: () => import('./pages/VerificationPage.vue') },
  { path: '/invitation', name: 'invitation', meta: { title: 'invitation.title', for: 'anyone' }, component: () => import('./pages/InvitationPage.vue') },
  { path: '/project/:projectId', component: () => import('./pages/ProjectPage.vue'), meta: { title: 'overview.title' }, children: project },
  { path: '/:rest(.*)*', name: 'nowhere', meta: { title: 'nowhere.title', for: 'anyone' }, component: () => import('./pages/NowherePage.vue') },
]

export const router = createRouter({
  history: createWebHistory('/console'),
  routes,
  scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
})

const operator = useOperator()

router.beforeEach(async (to, from) => {
  if (to.path !== from.path && to.params.projectId !== from.params.projectId) subject.value = ''
  if (operator.state.value === 'unknown') await operator.refresh()
  // It could not be found out: the app says so and asks again.
  if (operator.state.value === 'unknown' || to.meta.for === 'anyone') return true
  const next = to.fullPath === '/' ? undefined : to.fullPath
  const isGuestPage = to.meta.for === 'guest'
  if (operator.isSignedIn.value) return isGuestPage ? { name: 'projects' } : true
  if (operator.instance.value?.needs_sign_up) return to.name === 'sign-up' ? true : { name: 'sign-up' }
  return isGuestPage ? true : { name: 'sign-in', query: { next } }
})

let isLooking = false

/** A session can end while its pages are open; a refusal for lack of a role is not that. */
watchRefusals(() => {
  if (isLooking || !operator.isSignedIn.value) return
  isLooking = true
  void operator.refresh().finally(() => { isLooking = false })
})

watch(operator.state, (state, before) => {
  const { meta, fullPath } = router.currentRoute.value
  if (before !== 'signedIn' || state === 'signedIn' || state === 'unknown' || meta.for) return
  void router.push({ name: 'sign-in', query: { next: fullPath } })
})
