/**
 * What the tool adds to a warm local run beyond starting the server and answering.
 *
 *   npm run build && node bench/overhead.ts
 *
 * Runs `lmrun bench` with one model RUNS times (the first one warms the caches and is not counted) and takes from
 * each run's own phases: the process's wall time minus load (server start) and answer, which any way of doing it needs.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Results } from '../src/report/results.ts'

const RUNS = 3
const cli = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'cli', 'index.js')

interface Measured {
  readonly wall: number
  readonly load: number
  readonly answer: number
  readonly grade: number
}

await measure()
const runs: Measured[] = []
for (let run = 0; run < RUNS; run++) runs.push(await measure())

console.log(
  '| run | wall (s) | server start | answers | grading | what the tool adds |\n| --- | --: | --: | --: | --: | --: |',
)
runs.forEach(({ wall, load, answer, grade }, index) => {
  const cells = [wall, load, answer, grade, wall - load - answer].map(ms => (ms / 1000).toFixed(2))
  console.log(`| ${index + 1} | ${cells.join(' | ')} |`)
})
const least = Math.min(...runs.map(({ wall, load, answer }) => wall - load - answer))
console.log(`\nAdded, minimum of ${RUNS}: ${(least / 1000).toFixed(2)} s, grading included.`)

async function measure(): Promise<Measured> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-bench-'))
  try {
    const args = ['bench', '--models', 'a: HuggingFaceTB/SmolLM2-135M-Instruct', '--output-directory', folder]
    const started = performance.now()
    await promisify(execFile)(process.execPath, [cli, ...args])
    const wall = performance.now() - started
    const results = JSON.parse(await readFile(path.join(folder, 'results.json'), 'utf8')) as Results
    const spent = (name: string) => {
      const phase = results.phases.find(one => one.subject === 'a' && one.name === name)
      return phase ? phase.endedAt - phase.startedAt : Number.NaN
    }
    return { wall, load: spent('load'), answer: spent('answer'), grade: spent('grade') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
