/**
 * What a local VM costs: from `launch` until its job runs (the setup comes from the cache), and from `down` until it
 * is proved gone. Beside it: a bare `node -e 0` and the `python3` that is asked for its version, measured in the same run.
 *
 *   npm run build && node bench/fleet.ts [runs]
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../src/env.ts'
import { NO_RESOURCES } from '../src/fleet/fleet.ts'
import { createLocalFleet } from '../src/fleet/local/local.ts'

const runs = Number(process.argv[2] ?? 7)
const home = await mkdtemp(path.join(tmpdir(), 'lmrun-bench-'))
const dist = path.join(packageRoot(), 'dist')
const entries = { vmEntry: path.join(dist, 'vm', 'index.js'), cliEntry: path.join(dist, 'cli', 'index.js') }
const fleet = createLocalFleet({ home, runtime: { ...entries, node: process.execPath } })
const { signal } = new AbortController()
const template = path.join(home, 'template.yaml')
await writeFile(template, 'resources: {ports: [8000]}\nsetup: touch made\nrun: sleep 600\n')

try {
  const times: Record<string, number[]> = { launch: [], running: [], down: [], 'node -e 0': [], python3: [] }
  for (let run = 0; run <= runs; run++) {
    const measured = await once()
    // The first one makes the setup.
    if (run > 0) for (const [what, ms] of Object.entries(measured)) times[what]?.push(ms)
  }
  for (const [what, all] of Object.entries(times)) {
    const [least = 0] = all.toSorted((a, b) => a - b)
    console.log(
      `${what.padEnd(10)} min ${least.toFixed(0)} ms of ${all.length}: ${all.map(ms => ms.toFixed(0)).join(' ')}`,
    )
  }
} finally {
  await rm(home, { recursive: true, force: true })
}

async function once(): Promise<Record<string, number>> {
  const begun = performance.now()
  const request = {
    name: 'bench',
    template,
    envs: {},
    secrets: {},
    labels: {},
    resources: NO_RESOURCES,
    reuse: false,
    leaseMinutes: 5,
  }
  const job = await fleet.launch(request, signal)
  const launch = performance.now() - begun
  while ((await fleet.jobState(job)).status !== 'RUNNING') await sleep(2)
  const running = performance.now() - begun
  const asked = performance.now()
  await fleet.down([job.vm])
  const down = performance.now() - asked
  const python3 = took('python3', ['-c', 'import sys; print(sys.version)'])
  return { launch, running, down, 'node -e 0': took(process.execPath, ['-e', '0']), python3 }
}

function took(file: string, args: readonly string[]): number {
  const begun = performance.now()
  execFileSync(file, args)
  return performance.now() - begun
}
