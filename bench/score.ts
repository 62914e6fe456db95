/**
 * How long `lmrun score` takes, and how much memory, as a whole process beside a naive reader of the same files.
 *
 *   npm run build && node bench/score.ts [path of another cli]
 *
 * 100,000 judgments of 2 and of 100 models, an answer of each, in a temporary folder. Wall: minimum of RUNS,
 * interleaved. Memory: peak resident set of one more run.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { writeData } from './score-data.ts'

const RUNS = 5
const JUDGMENTS = 100_000
const here = import.meta.dirname
const [cli = path.join(here, '../dist/cli/index.js')] = process.argv.slice(2)

const dir = mkdtempSync(path.join(tmpdir(), 'lmrun-bench-'))
try {
  console.log('| 100,000 judgments of | process | wall (s, min of 5) | peak memory (MB) | wall ÷ naive |')
  console.log('| --- | --- | --: | --: | --: |')
  for (const models of [2, 100]) {
    const data = path.join(dir, `${models}`)
    writeData(data, { judgments: JUDGMENTS, models })
    compare(`${models} models`, {
      'naive: parse everything': [path.join(here, 'score-naive.mjs'), data],
      'lmrun score --json': [cli, 'score', data, '--json'],
      'lmrun score': [cli, 'score', data],
    })
  }
} finally {
  rmSync(dir, { recursive: true, force: true })
}

/** The first command is what the others are compared with. */
function compare(title: string, commands: Readonly<Record<string, readonly string[]>>): void {
  const walls = new Map<string, number>()
  for (let run = 0; run < RUNS; run++) {
    for (const [name, args] of Object.entries(commands)) {
      walls.set(name, Math.min(walls.get(name) ?? Number.POSITIVE_INFINITY, wallOf(args)))
    }
  }
  const [naive = Number.NaN] = walls.values()
  for (const [name, args] of Object.entries(commands)) {
    const wall = walls.get(name) ?? Number.NaN
    const cells = [title, name, (wall / 1000).toFixed(2), peakOf(args).toFixed(0), (wall / naive).toFixed(2)]
    console.log(`| ${cells.join(' | ')} |`)
  }
}

/** Milliseconds from spawn to exit. */
function wallOf(args: readonly string[]): number {
  const started = performance.now()
  run(args)
  return performance.now() - started
}

/**
 * Peak resident set in MB, written by the process itself as it exits. Not getrusage's: a child's begins with what its
 * parent had before exec.
 */
function peakOf(args: readonly string[]): number {
  const hook = path.join(dir, 'peak.cjs')
  const file = path.join(dir, 'peak')
  const status = `require('fs').readFileSync('/proc/self/status', 'utf8').match(/VmHWM:\\s+(\\d+)/)[1]`
  writeFileSync(
    hook,
    `process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(file)}, ${status}))`,
  )
  run(['--require', hook, ...args])
  return Number(readFileSync(file, 'utf8')) / 1024
}

function run(args: readonly string[]): void {
  const { status, error } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  if (error || status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`, { cause: error })
}
