import { ref } from 'vue'

/** Whether the navigation is shown over the page, as on small screens. */
export const drawerIsOpen = ref(false)
