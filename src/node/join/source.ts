import { LmrunError } from '../../errors.ts'
import type { Join } from '../../mesh-join.ts'
import type { System } from '../system.ts'
import { deleteJoinFile, findJoinFile, waitForJoinFile } from './file.ts'
import { openStore } from './ssm.ts'

/** What lets this VM in, and what is to be done with it afterwards. */
export interface JoinOffer {
  readonly join: Join
  /** After the VM has joined. */
  used(): Promise<void>
}

/** What is there already; null when nothing is. */
export async function offerAtHand(system: System): Promise<JoinOffer | null> {
  const found = await findJoinFile(system)
  return found && { join: found.join, used: () => deleteJoinFile(system, found) }
}

/**
 * From the run that launched this VM, which says so in LMRUN_MESH; by hand from AWS SSM.
 * @param atHand what is there already
 * @throws LmrunError when there is none, or it is over
 */
export async function obtainOffer(system: System, atHand: JoinOffer | null): Promise<JoinOffer> {
  const offer = atHand ?? (await (isByHand(system) ? fromStore(system) : fromRun(system)))
  const { main, expiresAt } = offer.join
  const now = system.clock.now() / 1000
  if (expiresAt > now) return offer
  const minutes = Math.ceil((now - expiresAt) / 60)
  throw new LmrunError(`the token for the mesh ${main.mesh} expired ${minutes} minutes ago`, {
    hint: 'The run that made it has ended, or main is down: sky status.',
  })
}

/** Nobody but people launches VMs without LMRUN_MESH. */
export function isByHand({ env }: Pick<System, 'env'>): boolean {
  return !env.LMRUN_MESH
}

async function fromRun(system: System): Promise<JoinOffer> {
  const found = await waitForJoinFile(system)
  return { join: found.join, used: () => deleteJoinFile(system, found) }
}

async function fromStore(system: System): Promise<JoinOffer> {
  const mesh = system.env.LMRUN_MAIN || 'main'
  const store = await openStore(system, mesh)
  const join = await store.read()
  if (join) return { join, used: async () => {} }
  throw new LmrunError(`there is no mesh ${mesh}: nothing is in ${store.where}`, {
    hint: `Launch its main first: sky launch -c ${mesh} main.yaml. If it is up, its region is another: AWS_DEFAULT_REGION`,
  })
}
