import { ref } from 'vue'

/** The name of what the page shows, such as a project's, before the page's own title. */
export const subject = ref('')
