/**
 * GPU seconds of a run of two models, beside two other ways to do it, in one simulated cloud on virtual time: the same
 * durations for all three, measured with SkyPilot 0.14.1 (test/support/sky-world/durations.ts) or of public reports.
 * Prints Markdown for docs/performance.md. Usage: node bench/timeline.ts
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { markdownTable } from 'markdown-table'
import { CRITICAL_S, gpuUse, NEEDED_S } from './timeline-ratio.ts'
import { atTheEnd, byHand, ours, type Timeline } from './timeline-recipes.ts'
import { teardownOf } from './timeline-teardown.ts'

const WAYS: readonly (readonly [string, (folder: string) => Promise<Timeline>])[] = [
  ['lmrun: the server goes when its answers are in', ours],
  ['by hand: launch, wait, launch the client, answer and grade, down', byHand],
  ['an action that launches all and tears down at the end', atTheEnd],
]

const VMS = 20

const rows: string[][] = []
for (const [name, run] of WAYS) {
  const { billed, ratio, wall } = gpuUse(await inFolder(run))
  rows.push([name, billed.toFixed(0), ratio.toFixed(3), wall.toFixed(0), (wall / CRITICAL_S).toFixed(3)])
}
const header = [
  'Way',
  'GPU seconds billed',
  `÷ ${NEEDED_S} (provision + load + answers)`,
  'Wall, s',
  `÷ ${CRITICAL_S} (critical path)`,
]
console.log(markdownTable([header, ...rows], { align: ['l', 'r', 'r', 'r', 'r'] }))

const { all, slowest } = await inFolder(folder => teardownOf(VMS, folder))
const times = `${all.toFixed(1)} s ÷ ${slowest.toFixed(1)} s = ${(all / slowest).toFixed(2)}`
console.log(`\nTeardown of ${VMS} VMs, seen to be gone, ÷ the slowest one’s own: ${times}`)

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-timeline-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
