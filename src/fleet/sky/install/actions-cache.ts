import type { Env } from '../../../env.ts'
import { explain } from '../../../errors.ts'

/** A copy of a folder that outlives the runner: best effort both ways. */
export interface FolderCache {
  /** True when the folder is there now. */
  restore(folder: string, key: string): Promise<boolean>
  save(folder: string, key: string): Promise<void>
}

/** The cache of GitHub Actions, loaded when it is used; none outside of workflows, or where its service is off. */
export function actionsCache(env: Env, warn: (text: string) => void): FolderCache | null {
  if (env.GITHUB_ACTIONS !== 'true') return null
  return {
    async restore(folder, key) {
      try {
        const cache = await import('@actions/cache')
        return cache.isFeatureAvailable() && (await cache.restoreCache([folder], key)) !== undefined
      } catch (error) {
        warn(`SkyPilot was not taken from the Actions cache: ${explain(error)}`)
        return false
      }
    },
    async save(folder, key) {
      try {
        const cache = await import('@actions/cache')
        if (cache.isFeatureAvailable()) await cache.saveCache([folder], key)
      } catch (error) {
        // Two legs of a matrix save at once, and one of them wins.
        if (error instanceof Error && error.name === 'ReserveCacheError') return
        warn(`SkyPilot was not put into the Actions cache: ${explain(error)}`)
      }
    },
  }
}
