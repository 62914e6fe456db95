import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { processesWith } from './processes.ts'
import { type Cancel, type RunOptions, runAction } from './runner.ts'
import { readKeyValueFile, readStepLog } from './workflow-commands.ts'

const ACTION = `
inputs:
  plain: { default: "4" }
  github-token: { default: "\${{ github.token }}" }
`
const POST = `
import { appendFileSync } from 'node:fs'
console.log('post', process.env.STATE_vms, process.env.STATE_old)
`

/** Runs an action whose main is this script. */
async function run(main: string, options: Partial<RunOptions> = {}) {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'lmrun-runner-'))
  const action = path.join(folder.path, 'action')
  for (const [entry, source] of Object.entries({ main, post: POST })) {
    await mkdir(path.join(action, 'dist', entry), { recursive: true })
    await writeFile(path.join(action, 'dist', entry, 'index.js'), source)
    await writeFile(path.join(action, 'dist', entry, 'package.json'), '{"type":"module"}')
  }
  await writeFile(path.join(action, 'action.yml'), ACTION)
  return await runAction({
    action,
    folder: path.join(folder.path, 'job'),
    inputs: { 'with space': 'yes' },
    event: { name: 'push', payload: { a: 1 }, repository: 'acme/widgets', sha: 'c0ffee' },
    apiUrl: 'http://unused',
    token: 'ghs_token',
    ...options,
  })
}

const cancel = (how: Cancel['how']): Cancel => ({ when: main => main.seen(/ready/), how, waits: [300, 300] })
const DEAF = `for (const s of ['SIGINT', 'SIGTERM']) process.on(s, () => console.log(s)); console.log('ready'); setInterval(() => {}, 1000)`

test('gives what a runner gives, and reads what it reads', async () => {
  const result = await run(`
    import { appendFileSync, readFileSync } from 'node:fs'
    const { env } = process
    console.log(env.INPUT_PLAIN, env['INPUT_GITHUB-TOKEN'], env.INPUT_WITH_SPACE, readFileSync(env.GITHUB_EVENT_PATH, 'utf8'))
    console.log('::add-mask::hidden')
    console.log('it is hidden')
    console.log('::error title=A%2C b::one%0Atwo hidden')
    console.log('::save-state name=old::way')
    appendFileSync(env.GITHUB_OUTPUT, 'a=1\\nb<<EOF\\n2\\n3\\nEOF\\n')
    appendFileSync(env.GITHUB_STATE, 'vms<<X\\n["a"]\\nX\\n')
    appendFileSync(env.GITHUB_STEP_SUMMARY, '# Done')
    process.exitCode = 3
  `)
  expect(result).toMatchObject({
    exitCode: 3,
    signal: null,
    stderr: '',
    outputs: { a: '1', b: '2\n3' },
    state: { old: 'way', vms: '["a"]' },
    summary: '# Done',
    masks: ['hidden'],
    annotations: [{ level: 'error', title: 'A, b', message: 'one\ntwo ***' }],
    signals: [],
    orphans: [],
    post: { exitCode: 0, log: 'post ["a"] way\n' },
  })
  expect(result.log).toBe('4 *** yes {"a":1}\nit is ***\nerror: one\ntwo ***\n')
})

test.each([
  ['ladder', DEAF, ['SIGINT', 'SIGTERM', 'SIGKILL']],
  ['term', DEAF, ['SIGTERM', 'SIGKILL']],
  ['kill', DEAF, ['SIGKILL']],
  ['ladder', `process.on('SIGINT', () => process.exit(1)); ${DEAF}`, ['SIGINT']],
] as const)('cancels by %s', async (how, main, signals) => {
  const result = await run(main, { cancel: cancel(how) })
  expect(result.signals).toEqual(signals)
  expect(result.post?.exitCode).toBe(0)
})

test('does nothing more when it is gone', async () => {
  expect((await run(DEAF, { cancel: cancel('runner-gone') })).post).toBeNull()
})

test('lists orphans after post and ends them', async () => {
  const result = await run(`
    import { spawn } from 'node:child_process'
    spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref()
  `)
  expect(result.orphans.map(({ command }) => command)).toEqual(['sleep 600'])
  await expect.poll(() => processesWith(result.trackingId)).toEqual([])
})

test('commands between stop-commands and its token are text', () => {
  const { text, annotations } = readStepLog('::stop-commands::t\n::error::no\n::t::\n::error::yes', [])
  expect(annotations).toEqual([{ level: 'error', message: 'yes' }])
  expect(text).toBe('::error::no\nerror: yes')
})

test('refuses a file that the runner would refuse', () => {
  expect(() => readKeyValueFile('no value')).toThrow('would refuse')
  expect(() => readKeyValueFile('a<<EOF\n1')).toThrow('no line EOF')
})
