import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Behaviour,
  type OpenAiServer,
  type SeenRequest,
  startOpenAiServer,
} from '../../support/openai-server.ts'
import { makeQuestions, Scene, TASKS } from './scene.ts'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.join(here, '..', '..', '..')
let folder: string
let child: string

beforeAll(async () => {
  // Below the package, so that it finds action.yml as the real bundles do; not in dist, which is committed.
  folder = await mkdtemp(path.join(root, 'node_modules', '.lmrun-test-'))
  child = path.join(folder, 'answer.mjs')
  await build({
    entryPoints: [path.join(here, 'answer-child.ts')],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function start(scene: Scene, server: Pick<OpenAiServer, 'apiBase'>, ...more: string[]): ChildProcess {
  const flags = ['--model', 'stand-in', '--model-display-name', 'Qwen-Coder', '--api-base', server.apiBase]
  const where = ['--questions', scene.source, '--dir', scene.dir]
  const env = { PATH: process.env.PATH, LIVEBENCH_API_KEY: 'sk-secret-4711' }
  return spawn(process.execPath, [child, ...flags, ...where, ...more], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function end(process: ChildProcess) {
  const text = { out: '', err: '' }
  process.stdout?.on('data', chunk => (text.out += chunk))
  process.stderr?.on('data', chunk => (text.err += chunk))
  const [code, signal] = (await once(process, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, ...text }
}

/** Ids whose answers lie on disk as whole lines. */
function onDisk(scene: Scene): Set<string> {
  const texts = TASKS.map(place => {
    try {
      return readFileSync(scene.answerFile(place), 'utf8')
    } catch {
      return ''
    }
  })
  const whole = texts.flatMap(text => text.split('\n').slice(0, -1))
  return new Set(whole.map(line => (JSON.parse(line) as { question_id: string }).question_id))
}

test('killed again and again, each question is answered once and none twice that was on disk', async () => {
  const questions = makeQuestions(60)
  await using scene = await Scene.with(questions)
  const idOf = new Map(questions.map(each => [each.turns[0], each.question_id]))
  let victim: ChildProcess | undefined
  let deaths = 0
  let atStart = new Set<string>()
  const askedAgain: string[] = []
  const behave = ({ prompt }: SeenRequest, nth: number): Behaviour => {
    const id = idOf.get(prompt) ?? ''
    if (atStart.has(id)) askedAgain.push(id)
    // Every ninth request is the last thing that a session does.
    if (nth % 9 === 0 && deaths < 5) victim?.kill('SIGKILL')
    return { kind: 'answer', tokens: ['long '.repeat(2000), prompt], delayMs: nth % 3 }
  }
  await using server = await startOpenAiServer({ alias: 'stand-in', behave })

  for (;;) {
    atStart = onDisk(scene)
    victim = start(scene, server)
    const { code, signal, err } = await end(victim)
    if (signal !== 'SIGKILL') {
      expect(err).toBe('')
      expect(code).toBe(0)
      break
    }
    deaths += 1
  }

  expect(deaths).toBe(5)
  expect(askedAgain).toEqual([])
  const answers = await scene.answers()
  expect(answers.map(each => each.question_id).sort()).toEqual(questions.map(each => each.question_id).sort())
  const prompts = new Map(questions.map(each => [each.question_id, each.turns[0]]))
  for (const { question_id, choices } of answers) {
    expect(choices[0]?.turns[0]).toBe('long '.repeat(2000) + prompts.get(question_id))
  }
})

test('SIGTERM: no new requests, whole lines, exit 1, and what to do', async () => {
  await using scene = await Scene.with(makeQuestions(40))
  let victim: ChildProcess | undefined
  const behave = (_: SeenRequest, nth: number): Behaviour => {
    if (nth === 10) victim?.kill('SIGTERM')
    return nth >= 10 ? { kind: 'hang' } : { kind: 'answer' }
  }
  await using server = await startOpenAiServer({ alias: 'stand-in', behave })
  victim = start(scene, server)
  const { code, out, err } = await end(victim)
  expect(code).toBe(1)
  expect(err).toContain('Run the same command again: it goes on from there.')
  expect(err).toContain('cancelled by SIGTERM')
  expect(out.trim().split('\n').at(-1)).toMatch(/^answered \d+ of 40/)
  expect(server.requests.length).toBeLessThanOrEqual(14)
  expect((await scene.lines()).length).toBe(onDisk(scene).size)
})

test('two models answer side by side in one folder', async () => {
  await using scene = await Scene.with(makeQuestions(30))
  await using server = await startOpenAiServer({ alias: 'stand-in' })
  const both = ['Sky-T1', 'Qwen-Coder'].map(name => end(start(scene, server, '--model-display-name', name)))
  expect((await Promise.all(both)).map(({ code, err }) => ({ code, err }))).toEqual([
    { code: 0, err: '' },
    { code: 0, err: '' },
  ])
  expect(await scene.answers('sky-t1')).toHaveLength(30)
  expect(await scene.answers('qwen-coder')).toHaveLength(30)
  expect((await scene.answers('sky-t1'))[0]?.model_id).toBe('Sky-T1')
})

describe('exit codes', () => {
  test('0 with errors among the answers, and the key nowhere', async () => {
    await using scene = await Scene.with(makeQuestions(7))
    const behave = ({ prompt }: SeenRequest): Behaviour =>
      prompt === 'prompt 2'
        ? { kind: 'status', status: 400, body: 'sk-secret-4711 is fine' }
        : { kind: 'answer' }
    await using server = await startOpenAiServer({ alias: 'stand-in', behave })
    const { code, out, err } = await end(start(scene, server))
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out.trim().split('\n').at(-1)).toMatch(/^answered 7 of 7 \(.*1 error\)$/)
    expect(server.requests[0]?.authorization).toBe('Bearer sk-secret-4711')
    expect(out + (await scene.lines()).join()).not.toContain('sk-secret-4711')
  })

  test('1 when nothing could be answered', async () => {
    await using scene = await Scene.with(makeQuestions(4))
    await using server = await startOpenAiServer({
      alias: 'stand-in',
      behave: () => ({ kind: 'status', status: 422 }),
    })
    const { code, err } = await end(start(scene, server))
    expect(code).toBe(1)
    expect(err).toMatch(/^none of the 4 questions could be answered by .*: 4 × UnprocessableEntityError/)
  })

  test('2 for bad input, with nothing written and nothing asked', async () => {
    await using scene = await Scene.with(makeQuestions(4))
    await using server = await startOpenAiServer({ alias: 'stand-in' })
    const { code, err } = await end(start(scene, server, '--parallel', '0', '--max-tokens', 'many'))
    expect(code).toBe(2)
    expect(err).toContain('--parallel: "0" is no positive whole number')
    expect(err).toContain('--max-tokens: "many" is no positive whole number')
    expect(server.requests).toHaveLength(0)
    expect(await scene.lines()).toEqual([])
  })
})
