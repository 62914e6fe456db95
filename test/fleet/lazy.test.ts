import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { lazyFleet } from '../../src/fleet/lazy.ts'
import { createLocalFleet } from '../../src/fleet/local/local.ts'
import { createFleet } from '../../src/fleets.ts'

it('a fleet is made when it is first asked, once, and is closed only then', async () => {
  const home = await mkdtemp(path.join(tmpdir(), 'lmrun-lazy-'))
  let made = 0
  const fleet = lazyFleet('local', async () => {
    made++
    return createLocalFleet({ home, runtime: { vmEntry: '', cliEntry: '', node: process.execPath } })
  })
  await fleet.close()
  expect(made).toBe(0)
  expect(await Promise.all([fleet.list(), fleet.down(['nobody'])])).toEqual([
    [],
    [{ name: 'nobody', verified: true }],
  ])
  expect((await fleet.prices?.(['nobody']))?.size).toBe(0)
  await fleet.close()
  expect(made).toBe(1)
  await rm(home, { recursive: true, force: true })
})

it('the fleet for clouds needs no sky to be made and closed', async () => {
  const fleet = createFleet('sky', { env: {} })
  expect(fleet.kind).toBe('sky')
  await fleet.close()
})
