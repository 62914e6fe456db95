import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lateCli } from '../../../src/fleet/sky/late-cli.ts'
import { IN_OWN_GROUP, isSame, readLeader, recordFile } from '../../../src/fleet/sky/process-groups.ts'
import type { SkyCli } from '../../../src/fleet/sky/types.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-late-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const never = {
  ready: async () => {},
  run: () => new Promise<never>(() => {}),
  endAll: async () => {},
} satisfies SkyCli

/** A call that was recorded by a process which lives no more. */
async function leftCall(records: string) {
  await mkdir(records, { recursive: true })
  const owner = spawn('true')
  await once(owner, 'exit')
  const record = recordFile(records, 'left', owner.pid)
  const call = spawn('sh', ['-c', IN_OWN_GROUP, 'sh', record, 'sleep', '600'], { stdio: 'ignore' })
  await expect.poll(() => readLeader(record)).not.toBeNull()
  return { leader: (await readLeader(record)) ?? expect.fail(), ended: once(call, 'exit') }
}

it('ends what a dead process left before its own first call', async () => {
  const records = path.join(folder, 'calls')
  const { leader, ended } = await leftCall(records)
  const livedAtFirstCall = Promise.withResolvers<boolean>()
  const find = async (): Promise<SkyCli> => ({
    ...never,
    run: async () => {
      livedAtFirstCall.resolve(await isSame(leader))
      return { exitCode: 0, stdout: '', stderr: '' }
    },
  })
  await lateCli(find, records).run(['down', '-y', 'vm'])
  expect(await livedAtFirstCall.promise).toBe(false)
  await ended
})

it('says to whoever calls why there is no sky', async () => {
  const cli = lateCli(async () => Promise.reject(new Error('no sky')), folder)
  await expect(cli.run(['status'])).rejects.toThrow('no sky')
  await cli.endAll()
})
