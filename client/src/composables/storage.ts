/** Storage can be blocked by the browser; the page then simply forgets. */
export function readStored(storage: () => Storage, key: string): string | null {
  try {
    return storage().getItem(key)
  } catch {
    return null
  }
}

export function writeStored(storage: () => Storage, key: string, value: string | null): void {
  try {
    if (value === null) storage().removeItem(key)
    else storage().setItem(key, value)
  } catch {
    // See readStored.
  }
}

export const local = (): Storage => window.localStorage
export const session = (): Storage => window.sessionStorage
