import { watch } from 'vue'
import { createRouter, createWebHistory, type RouteRecordRaw } from 'vue-router'
import { watchRefusals } from './api/v1'
import { subject } from './composables/title'
import { useOperator } from './composables/useOperator'
import AccessPage from './pages/AccessPage.vue'
import AccountPage from './pages/AccountPage.vue'
import AuditsPage from './pages/AuditsPage.vue'
import CollectionPage from './pages/CollectionPage.vue'
import DatabasePage from './pages/DatabasePage.vue'
import DatabasesPage from './pages/DatabasesPage.vue'
import DocumentPage from './pages/DocumentPage.vue'
import ForgotPage from './pages/ForgotPage.vue'
import InvitationPage from './pages/InvitationPage.vue'
import KeysPage from './pages/KeysPage.vue'
import MagicLinkPage from './pages/MagicLinkPage.vue'
import MailPage from './pages/MailPage.vue'
import MailsPage from './pages/MailsPage.vue'
import NowherePage from './pages/NowherePage.vue'
import OverviewPage from './pages/OverviewPage.vue'
import OwnMailPage from './pages/OwnMailPage.vue'
import OwnMailsPage from './pages/OwnMailsPage.vue'
import PlatformsPage from './pages/PlatformsPage.vue'
import ProjectPage from './pages/ProjectPage.vue'
import ProjectsPage from './pages/ProjectsPage.vue'
import RecoveryPage from './pages/RecoveryPage.vue'
import SettingsPage from './pages/SettingsPage.vue'
import SignInPage from './pages/SignInPage.vue'
import SignUpPage from './pages/SignUpPage.vue'
import TeamPage from './pages/TeamPage.vue'
import TeamsPage from './pages/TeamsPage.vue'
import UserPage from './pages/UserPage.vue'
import UsersPage from './pages/UsersPage.vue'
import VerificationPage from './pages/VerificationPage.vue'

declare module 'vue-router' {
  interface RouteMeta {
    /** The key of the page's title */
    title: string
    /** Who the page is for; by default whoever is signed in */
    for?: 'guest' | 'anyone'
    /** Tables of many columns need room */
    wide?: true
  }
}

const project: RouteRecordRaw[] = [
  { path: '', name: 'overview', meta: { title: 'overview.title' }, component: OverviewPage },
  { path: 'users', name: 'users', meta: { title: 'users.title' }, component: UsersPage },
  { path: 'users/:userId', name: 'user', meta: { title: 'users.one' }, component: UserPage },
  { path: 'teams', name: 'teams', meta: { title: 'teams.title' }, component: TeamsPage },
  { path: 'teams/:teamId', name: 'team', meta: { title: 'teams.one' }, component: TeamPage },
  { path: 'databases', name: 'databases', meta: { title: 'databases.title' }, component: DatabasesPage },
  { path: 'databases/:databaseId', name: 'database', meta: { title: 'databases.one' }, component: DatabasePage },
  {
    path: 'databases/:databaseId/collections/:collectionId',
    redirect: ({ params }) => ({ name: 'collection', params: { ...params, tab: 'documents' } }),
  },
  { path: 'databases/:databaseId/collections/:collectionId/new', name: 'new-document', meta: { title: 'documents.create' }, component: DocumentPage },
  { path: 'databases/:databaseId/collections/:collectionId/documents/:documentId', name: 'document', meta: { title: 'documents.one' }, component: DocumentPage },
  { path: 'databases/:databaseId/collections/:collectionId/:tab', name: 'collection', meta: { title: 'collections.one', wide: true }, component: CollectionPage },
  { path: 'keys', name: 'keys', meta: { title: 'keys.title' }, component: KeysPage },
  { path: 'platforms', name: 'platforms', meta: { title: 'platforms.title' }, component: PlatformsPage },
  { path: 'audits', name: 'audits', meta: { title: 'audits.title' }, component: AuditsPage },
  { path: 'mails', name: 'mails', meta: { title: 'mails.title' }, component: MailsPage },
  { path: 'mails/:mailId', name: 'mail', meta: { title: 'mails.one' }, component: MailPage },
  { path: 'access', name: 'access', meta: { title: 'access.title' }, component: AccessPage },
  { path: 'settings', redirect: { name: 'settings', params: { tab: 'general' } } },
  { path: 'settings/:tab', name: 'settings', meta: { title: 'settings.title' }, component: SettingsPage },
]

const routes: RouteRecordRaw[] = [
  { path: '/', name: 'projects', meta: { title: 'projects.title' }, component: ProjectsPage },
  { path: '/account', name: 'account', meta: { title: 'account.title' }, component: AccountPage },
  { path: '/mails', name: 'own-mails', meta: { title: 'mails.own' }, component: OwnMailsPage },
  { path: '/mails/:mailId', name: 'own-mail', meta: { title: 'mails.one' }, component: OwnMailPage },
  { path: '/sign-in', name: 'sign-in', meta: { title: 'signIn.title', for: 'guest' }, component: SignInPage },
  { path: '/sign-up', name: 'sign-up', meta: { title: 'signUp.title', for: 'guest' }, component: SignUpPage },
  { path: '/forgot', name: 'forgot', meta: { title: 'forgot.title', for: 'guest' }, component: ForgotPage },
  { path: '/recovery', name: 'recovery', meta: { title: 'recovery.title', for: 'anyone' }, component: RecoveryPage },
  { path: '/verification', name: 'verification', meta: { title: 'verification.title', for: 'anyone' }, component: VerificationPage },
  { path: '/magic-url', name: 'magic-link', meta: { title: 'magicLink.title', for: 'anyone' }, component: MagicLinkPage },
  { path: '/invitation', name: 'invitation', meta: { title: 'invitation.title', for: 'anyone' }, component: InvitationPage },
  { path: '/project/:projectId', component: ProjectPage, meta: { title: 'overview.title' }, children: project },
  { path: '/:rest(.*)*', name: 'nowhere', meta: { title: 'nowhere.title', for: 'anyone' }, component: NowherePage },
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
