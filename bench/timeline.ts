/**
 * GPU seconds of a run of two models, beside two other ways to do it, in one simulated cloud on virtual time: the same
 * durations for all three, measured with SkyPilot 0.14.1 (test/support/sky-world/durations.ts) or of public reports.
 * Prints Markdown for docs/performance.md. Usage: node bench/timeline.ts
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { markdownTable } from 'markdown-table'
import { gpuUse, NEEDED_S } from './timeline-ratio.ts'
import { atTheEnd, byHand, ours, type Timeline } from './timeline-recipes.ts'

const WAYS: readonly (readonly [string, (folder: string) => Promise<Timeline>])[] = [
  ['lmrun: the server goes when its answers are in', ours],
  ['by hand: launch, wait, launch the client, answer and grade, down', byHand],
  ['an action that launches all and tears down at the end', atTheEnd],
]

const rows: string[][] = []
for (const [name, run] of WAYS) {
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-timeline-'))
  try {
    const { billed, ratio, wall } = gpuUse(await run(folder))
    rows.push([name, billed.toFixed(0), ratio.toFixed(3), wall.toFixed(0)])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
const header = ['Way', 'GPU seconds billed', `÷ ${NEEDED_S} (provision + load + answers)`, 'Wall, s']
console.log(markdownTable([header, ...rows], { align: ['l', 'r', 'r', 'r'] }))
