/** K3s's real start, on a machine of the mesh lab: `node mesh-start-k3s.ts JSON`, with a plan and what is to be fetched. */
import { systemClock as clock } from '../../src/clock.ts'
import { explain } from '../../src/errors.ts'
import { startK3s } from '../../src/node/k3s.ts'
import type { K3sRelease } from '../../src/node/k3s-binary.ts'
import type { K3sPlan } from '../../src/node/types.ts'

const { plan, release } = JSON.parse(process.argv[2] ?? '') as { plan: K3sPlan; release: K3sRelease }
const { env } = process
const signal = AbortSignal.timeout(90_000)
try {
  await startK3s({ root: '/', env, clock, signal, log: line => console.log(line) }, plan, release)
  console.log('started')
} catch (error) {
  console.log(explain(error))
  process.exit(1)
}
