/** Comparing what SkyPilot remembers with what the cloud has: until then its status is stale. */
import type { Server } from './server.ts'

interface Listed {
  readonly name: string
  readonly state: string
}

/** @throws Error when the cloud cannot be asked */
export async function refresh(server: Server, names: readonly string[]): Promise<void> {
  const before = Date.now()
  const listed = await server.cloud<readonly Listed[]>('list', { names })
  for (const name of names) {
    const record = server.db.get(name)
    // What was launched meanwhile is newer than the list.
    if (!record || record.launchedAt * 1000 > before || server.launching(name).length > 0) continue
    if (!listed.some(one => one.name === name)) server.db.remove(name)
  }
}

export async function refreshAll(server: Server): Promise<void> {
  await refresh(
    server,
    server.db.all().map(({ name }) => name),
  )
}
