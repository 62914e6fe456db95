import fs from 'node:fs'
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

/** Operations that are left alone: what they give lives on. */
const LEFT: ReadonlySet<string> = new Set(['open', 'opendir', 'watch', 'constants', 'glob'])

/**
 * Files that are read and written for real, each operation at once: libuv's threads end in whichever order, and who
 * comes first would decide the story of a seed. Until disposed.
 */
export function steadyFiles(): Disposable {
  const original = { ...promises }
  const sync = fs as unknown as Record<string, ((...args: unknown[]) => unknown) | undefined>
  for (const name of Object.keys(promises)) {
    const work = sync[`${name}Sync`]
    if (work && !LEFT.has(name))
      Object.assign(promises, { [name]: async (...args: unknown[]) => work(...args) })
  }
  syncBuiltinESMExports()
  return {
    [Symbol.dispose]: () => {
      Object.assign(promises, original)
      syncBuiltinESMExports()
    },
  }
}
