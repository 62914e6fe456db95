import path from 'node:path'
import { explain, LmrunError } from '../../errors.ts'
import type { Join } from '../../mesh-join.ts'
import { hashOfCa } from '../../mesh-token.ts'
import { connectKube } from '../kube/client.ts'
import { readKubeconfig } from '../kube/config.ts'
import { AT } from '../paths.ts'
import type { MainState } from '../state.ts'
import type { System } from '../system.ts'
import { type JoinStore, openStore } from './ssm.ts'
import { mintJoin } from './token.ts'
import { isMain, splitToken } from './trust.ts'

/** Milliseconds after which a renewal that failed is tried again. */
const AGAIN_MS = 60_000

/**
 * Writes down what VMs join with that are launched by hand, unless what is there is good for a while.
 * @param again also then
 * @returns where it is; null when nothing was to do
 * @throws LmrunError when another main has this name, or it cannot be written
 */
export async function offerByHand(
  system: System,
  state: MainState,
  { again }: { readonly again: boolean },
): Promise<string | null> {
  const { ttlSeconds, info } = state
  if (ttlSeconds === null) return null
  const store = await openStore(system, info.mesh)
  const { ca } = await readKubeconfig(path.join(system.root, AT.adminKubeconfig))
  const there = await store.read()
  const isOurs = there !== null && splitToken(there.token).caHash === hashOfCa(ca)
  if (isOurs && !again && dueAt(there, ttlSeconds) > system.clock.now()) return null
  if (there && !isOurs) await refuseLiving(system, store, there)
  const kube = await connectKube(path.join(system.root, AT.adminKubeconfig), system.signal)
  const expiresAt = Math.floor(system.clock.now() / 1000) + ttlSeconds
  await store.write(await mintJoin(kube, { main: info, ca, expiresAt }))
  return store.where
}

/** When half of a token's life is over, in milliseconds. */
function dueAt({ expiresAt }: Join, ttlSeconds: number): number {
  return (expiresAt - ttlSeconds / 2) * 1000
}

/** Two mains of one name would take each other's VMs. */
async function refuseLiving(system: System, store: JoinStore, there: Join): Promise<void> {
  const { mesh, publicIp, privateIp, port } = there.main
  for (const host of [publicIp, privateIp]) {
    if (host === null || !(await isMain({ host, port }, there, system.signal))) continue
    throw new LmrunError(`the mesh ${mesh} has a main node that lives, at ${host}: ${store.where}`, {
      hint: 'Give this one another name: sky launch -c main-2 main.yaml, and LMRUN_MAIN=main-2 for its VMs.',
    })
  }
}

/** Until the signal aborts; each token is replaced in the middle of its life. */
export async function keepOffering(system: System, state: MainState): Promise<void> {
  const { ttlSeconds } = state
  if (ttlSeconds === null) return
  const { clock, signal, log } = system
  for (;;) {
    try {
      const where = await offerByHand(system, state, { again: false })
      if (where !== null) log(`a new token is in ${where}`)
    } catch (error) {
      signal.throwIfAborted()
      log(explain(error))
    }
    await clock.sleep(Math.min(AGAIN_MS, ttlSeconds * 100), signal)
  }
}
