/**
 * How soon the action speaks, and how much it loads to do so.
 *
 *   npm run build && node bench/startup.ts
 *
 * Time to first output of `node dist/main/index.js` beside a bare node process and the CLI, interleaved, minimum of
 * RUNS; bytes of the entries and of all of dist.
 */
import { spawn } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const RUNS = 7
const dist = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'dist')

const commands = {
  'node -e (bare)': ['-e', 'process.stdout.write("x")'],
  'dist/main': [path.join(dist, 'main', 'index.js')],
  'dist/post': [path.join(dist, 'post', 'index.js')],
  'dist/cli --help': [path.join(dist, 'cli', 'index.js'), '--help'],
} as const

const best = new Map<string, number>()
for (let run = 0; run < RUNS; run++) {
  for (const [name, args] of Object.entries(commands)) {
    best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, await firstOutput(args)))
  }
}

const bare = best.get('node -e (bare)') ?? Number.NaN
console.log('| process | first output (ms, min of 7) | × bare node |\n| --- | --: | --: |')
for (const [name, ms] of best) console.log(`| ${name} | ${ms.toFixed(0)} | ${(ms / bare).toFixed(2)} |`)

const size = async (...names: string[]) => (await stat(path.join(dist, ...names))).size
const rows = {
  'main + post, loaded before the first line':
    (await size('main', 'index.js')) + (await size('post', 'index.js')),
  'main + post, with all that they may load': (await folderSize('main')) + (await folderSize('post')),
  'all of dist': await folderSize('.'),
}
console.log('\n| what | MB |\n| --- | --: |')
for (const [what, bytes] of Object.entries(rows)) console.log(`| ${what} | ${(bytes / 1e6).toFixed(2)} |`)

/** Milliseconds from spawn to the first byte on standard output. */
function firstOutput(args: readonly string[]): Promise<number> {
  const started = performance.now()
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env.PATH },
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.stdout.once('data', () => {
      resolve(performance.now() - started)
      child.kill('SIGKILL')
    })
    child.on('close', () => reject(new Error(`node ${args.join(' ')} ended without output`)))
  })
}

/** Bytes of a folder of dist. */
async function folderSize(name: string): Promise<number> {
  const files = await readdir(path.join(dist, name), { recursive: true, withFileTypes: true })
  const sizes = files.filter(file => file.isFile()).map(file => stat(path.join(file.parentPath, file.name)))
  return (await Promise.all(sizes)).reduce((sum, { size }) => sum + size, 0)
}
