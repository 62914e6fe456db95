import { watch } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Yields at once and then whenever something changed in the folder, at the latest after each `pollMs`:
 * watching is quick but not sure (network folders, too many watches), polling is sure.
 * Ends, without an error, when the signal aborts.
 */
export async function* changes(
  folder: string,
  { signal, pollMs }: { readonly signal: AbortSignal; readonly pollMs: number },
): AsyncGenerator<void> {
  let changed = Promise.withResolvers<void>()
  const watcher = quietWatch(folder, () => changed.resolve())
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers<void>()
      yield
      const over = new AbortController()
      const either = AbortSignal.any([signal, over.signal])
      await Promise.race([changed.promise, sleep(pollMs, undefined, { signal: either }).catch(() => {})])
      over.abort()
    }
  } finally {
    watcher?.close()
  }
}

function quietWatch(folder: string, onChange: () => void) {
  try {
    return watch(folder, { persistent: false }, onChange).on('error', () => {})
  } catch {
    return undefined // No such folder (yet), or no watch left: polling goes on.
  }
}
