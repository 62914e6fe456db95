/** A world for the built action: a GitHub, a folder, and the runner that runs it there. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { packageRoot } from '../../src/env.ts'
import { commentMarker } from '../../src/report/comment.ts'
import { BOT, FORK_BOT, type GitHubServer, type GitHubSetup, startGitHub } from './github-server.ts'
import type { Comment } from './github-state.ts'
import { killAll, type Left, processesWith } from './processes.ts'
import { type Cancel, type RunResult, runAction, SEEN_WITHIN_MS } from './runner.ts'

export const REPOSITORY = 'acme/widgets'
export const PULL_REQUEST = 7
/** Texts that must be seen nowhere: the tokens of the job and a secret of the user. */
export const TOKEN = 'ghs_0123456789abcdefghijklmnopqrstuvwxyz'
export const FORK_TOKEN = 'ghs_zyxwvutsrqponmlkjihgfedcba9876543210'
export const SECRET = 'hf_A+secret/value=that$must"never`show'

const root = packageRoot()
const fixture = (name: string) => path.join(root, 'test/fixtures', name)

export type ServerMode =
  | 'serve'
  | 'fail-setup'
  | 'slow-setup'
  | 'die'
  | 'die-with-secret'
  | 'load'
  | 'hang'
  | 'slow'
  | 'exit-7'
  | 'die-answering'

export interface WorldRun {
  /** How the server of each model key behaves; one good model `a` when absent. */
  readonly servers?: Readonly<Record<string, ServerMode>>
  /** Children ignore what can be ignored. */
  readonly stubborn?: boolean
  /** A client that never ends grading. */
  readonly stuckClient?: boolean
  readonly inputs?: Readonly<Record<string, string>>
  readonly token?: string
  readonly cancel?: Cancel
  readonly eventName?: string
  readonly payload?: unknown
  readonly env?: Readonly<Record<string, string>>
}

export interface World extends AsyncDisposable {
  readonly github: GitHubServer
  readonly folder: string
  run(options?: WorldRun): Promise<RunResult>
  /** Comments with the marker of this workflow, oldest first. */
  ours(): readonly Comment[]
  /** Processes of this world's VMs. */
  left(): readonly Left[]
  /** Resolves when no process of this world lives; rejects with those that do after a minute. */
  quiet(): Promise<void>
  /** Resolves when a process of this world's VMs runs such a command. */
  running(command: RegExp): Promise<void>
  /** Resolves when the stand-in has been asked that. */
  asked(method: string, path: RegExp): Promise<void>
}

export async function createWorld(setup: Partial<GitHubSetup> = {}): Promise<World> {
  const github = await startGitHub({
    tokens: { [TOKEN]: BOT, [FORK_TOKEN]: FORK_BOT },
    repository: REPOSITORY,
    pulls: [{ number: PULL_REQUEST, headSha: 'c0ffee' }],
    ...setup,
  })
  const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-e2e-'))
  let runs = 0
  const left = () => processesWith(folder)
  return {
    github,
    folder,
    left,
    run: options => runInWorld(path.join(folder, `run-${++runs}`), folder, github, options ?? {}),
    ours: () => github.state.comments(REPOSITORY, PULL_REQUEST).filter(isOurs),
    running: command =>
      until(
        () => left().some(process => command.test(process.command)),
        SEEN_WITHIN_MS,
        () => `nothing runs ${command}: ${JSON.stringify(left())}`,
      ),
    quiet: () =>
      until(
        () => left().length === 0,
        60_000,
        () => JSON.stringify(left()),
      ),
    asked: (method, pattern) =>
      until(
        () => github.requests.some(request => request.method === method && pattern.test(request.path)),
        SEEN_WITHIN_MS,
        () => `nobody asked ${method} ${pattern}`,
      ),
    async [Symbol.asyncDispose]() {
      killAll(left())
      await github[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function runInWorld(
  folder: string,
  world: string,
  github: GitHubServer,
  options: WorldRun,
): Promise<RunResult> {
  const { inputs, token = TOKEN, cancel, eventName = 'pull_request', env } = options
  return await runAction({
    action: root,
    folder,
    token,
    apiUrl: github.url,
    secrets: [SECRET],
    event: {
      name: eventName,
      payload: options.payload ?? { pull_request: { number: PULL_REQUEST, head: { sha: 'c0ffee' } } },
      repository: REPOSITORY,
      sha: 'c0ffee',
    },
    env: { LMRUN_HOME: path.join(world, 'home'), HF_TOKEN: SECRET, ...env },
    inputs: { ...(await defaultInputs(world, options)), ...inputs },
    ...(cancel ? { cancel } : {}),
  })
}

async function defaultInputs(world: string, { servers = { a: 'serve' }, stubborn, stuckClient }: WorldRun) {
  const models = Object.entries(servers).map(([key, mode]) => [key, fakeModel(mode, stubborn === true)])
  return {
    models: JSON.stringify(Object.fromEntries(models)),
    questions: fixture('echo-questions'),
    'server-template': fixture('templates/fake-server.yaml'),
    // Ends what a test leaves when it fails.
    'lease-minutes': '5',
    'max-minutes': '3',
    ...(stuckClient ? { 'client-template': await stuckTemplate(world, stubborn === true) } : {}),
  }
}

function fakeModel(mode: ServerMode, stubborn: boolean) {
  const environment = {
    NODE: process.execPath,
    STAND_IN: path.join(root, 'test/support/openai-server.ts'),
    MODE: mode,
    STUBBORN: stubborn ? 'yes' : '',
  }
  return { model: 'acme/echo-1', environment }
}

/** The client's variables are not the user's to set, so the stubborn one is a template of its own. */
async function stuckTemplate(world: string, stubborn: boolean): Promise<string> {
  const source = await readFile(fixture('templates/stuck-client.yaml'), 'utf8')
  const file = path.join(world, `stuck-client-${stubborn}.yaml`)
  await writeFile(file, stubborn ? source.replace('STUBBORN: ""', 'STUBBORN: "yes"') : source)
  return file
}

function isOurs({ body }: Comment): boolean {
  return body.startsWith(commentMarker('bench', ''))
}

async function until(done: () => boolean, withinMs: number, problem: () => string): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!done()) {
    if (Date.now() > deadline) throw new Error(problem())
    await sleep(50)
  }
}
