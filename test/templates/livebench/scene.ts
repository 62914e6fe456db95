/** The LiveBench client's template as a VM runs it: a home with what it mounts, LiveBench's stand-in, a model server. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parse } from 'yaml'
import { packageRoot } from '../../../src/env.ts'
import { createLiveBench, type Faults, type LiveBench } from '../../support/livebench-stand-in/stand-in.ts'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Question {
  readonly id: string
  readonly category?: string
  readonly task?: string
  readonly prompt?: string
  readonly truth?: string
  readonly released?: string
  readonly removed?: string
}

export interface Manifest {
  readonly livebench: { readonly commit: string }
  readonly questions: { readonly count: number; readonly sha256: string }
  readonly counts: Readonly<Record<string, number>>
  readonly phases: readonly { readonly name: string }[]
  readonly [key: string]: unknown
}

type Envs = Readonly<Record<string, string>>

export class Scene implements AsyncDisposable {
  readonly home: string
  readonly work: string
  readonly liveBench: LiveBench

  private constructor(home: string, liveBench: LiveBench) {
    this.home = home
    this.work = path.join(home, 'sky_workdir')
    this.liveBench = liveBench
  }

  /** Grading is apart by name only, unless `walls`: then as this machine lets it. */
  static async create(faults: Faults = {}, { walls = false } = {}): Promise<Scene> {
    const home = await mkdtemp(path.join(tmpdir(), 'lmrun-livebench-'))
    const scene = new Scene(home, await createLiveBench(path.join(home, 'livebench.git'), faults))
    await mkdir(scene.work)
    const root = packageRoot()
    await cp(path.join(root, 'templates/client'), path.join(home, '.lmrun/client'), { recursive: true })
    await cp(path.join(root, 'questions/smoke'), path.join(home, '.lmrun/smoke'), { recursive: true })
    await writePrograms(path.join(home, 'bin'), walls ? {} : UNPRIVILEGED)
    return scene
  }

  async put(file: string, text: string, mode = 0o644): Promise<string> {
    const full = path.join(this.home, file)
    await mkdir(path.dirname(full), { recursive: true })
    await writeFile(full, text, { mode })
    return full
  }

  read(file: string): Promise<string> {
    return readFile(path.join(this.home, file), 'utf8')
  }

  /** Question files of a folder, `live_bench/<category>/<task>/question.jsonl`. */
  async questions(folder: string, questions: readonly Question[]): Promise<string> {
    const filed = Map.groupBy(questions, ({ category = 'coding', task = 'typing' }) => `${category}/${task}`)
    for (const [at, group] of filed)
      await this.put(`${folder}/live_bench/${at}/question.jsonl`, group.map(line).join(''))
    return path.join(this.home, folder)
  }

  setup(envs: Envs = {}): Promise<Ran> {
    return this.#run('setup', envs)
  }

  /** Setup and the step `prepare` with these questions; both must go well. */
  async prepare(questions: readonly Question[], envs: Envs = {}): Promise<Envs> {
    const all = { BENCHMARK: 'live_bench', QUESTIONS: await this.questions('questions', questions), ...envs }
    for (const ran of [await this.setup(all), await this.run({ ...all, STEP: 'prepare' })])
      if (ran.code !== 0) throw new Error(ran.out + ran.err)
    return { SERVER: 'm', ...all }
  }

  run(envs: Envs = {}): Promise<Ran> {
    return this.#run('run', envs)
  }

  async manifest(model = 'm'): Promise<Manifest> {
    return JSON.parse(await this.read(`sky_workdir/data/runs/${model}/manifest.json`)) as Manifest
  }

  /** Rows of all answers of a model. */
  async answers(task = 'coding/typing', model = 'm'): Promise<readonly Record<string, unknown>[]> {
    const text = await this.read(`sky_workdir/data/live_bench/${task}/model_answer/${model}.jsonl`)
    return text
      .split('\n')
      .filter(Boolean)
      .map(row => JSON.parse(row) as Record<string, unknown>)
  }

  async #run(part: 'setup' | 'run', envs: Envs): Promise<Ran> {
    const file = path.join(packageRoot(), 'templates/livebench-client.yaml')
    const template = parse(await readFile(file, 'utf8')) as { envs: Envs; setup: string; run: string }
    const env = {
      ...{ PATH: `${this.home}/bin:${process.env.PATH}`, HOME: this.home, TMPDIR: this.home },
      ...{ LMRUN_LIVEBENCH_DIR: path.join(this.home, 'opt'), LMRUN_GRADE_DIR: path.join(this.home, 'grade') },
      ...{ GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
      ...{
        ...template.envs,
        LIVEBENCH_REPO: this.liveBench.repository,
        LIVEBENCH_COMMIT: this.liveBench.commit,
        LMRUN_MESH: 'off',
      },
      ...envs,
    }
    return new Promise(resolve => {
      execFile('bash', ['--norc', '-c', template[part]], { env, cwd: this.work }, (error, out, err) => {
        resolve({ code: error ? Number(error.code) : 0, out, err })
      })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.home, { recursive: true, force: true })
  }
}

/** Puts the programs of the machine that are stood in for into a folder for the front of PATH. */
export async function writePrograms(folder: string, others: Envs = UNPRIVILEGED): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries({ uv: UV, ...others }))
    await writeFile(path.join(folder, name), text, { mode: 0o755 })
}

function line(question: Question): string {
  const {
    id,
    category = 'coding',
    task = 'typing',
    prompt = `say ${id}`,
    truth = `said: say ${id}`,
  } = question
  const { released = '2024-11-25', removed = '' } = question
  const dates = { livebench_release_date: released, livebench_removal_date: removed }
  return `${JSON.stringify({ question_id: id, category, task, turns: [prompt], ground_truth: truth, ...dates })}\n`
}

/** Makes environments whose python is the machine's, and notes what is installed into which. */
const UV = `#!/bin/bash
echo "$*" >> "$HOME/uv.log"
[ "$(cat "$HOME/no-index" 2> /dev/null)" != pip ] || case "$*" in *requirements_eval.txt*) echo "no such index" >&2; exit 1 ;; esac
if [ "$1" = venv ]; then
  for to in "$@"; do :; done
  mkdir -p "$to/bin"
  printf '#!/bin/sh\\necho "$*" >> %s/args.log\\ncase "$1 $2" in "-m spacy" | "-m nltk.downloader") echo "$*" >> %s/uv.log; [ "$3" != -q ] || [ -e %s/no-index ] || mkdir -p "$5/tokenizers/punkt_tab" "$5/corpora/stopwords" "$5/taggers/averaged_perceptron_tagger_eng" ;; *) exec %s "$@" ;; esac\\n' \\
    "$HOME" "$HOME" "$HOME" "$(command -v python3)" > "$to/bin/python"
  chmod 755 "$to/bin/python"
fi
`

/** Instead of those that need root: nobody is made, and what can be done without is done. */
const UNPRIVILEGED = {
  sudo: '#!/bin/sh\nshift\nexec "$@"\n',
  unshare: '#!/bin/sh\nexit 1\n',
  iptables: '#!/bin/sh\n',
  ip6tables: '#!/bin/sh\n',
  chown: '#!/bin/sh\n',
  getent: '#!/bin/sh\necho "me:x:1:1::$HOME:/bin/sh"\n',
  setpriv: `#!/bin/sh
while true; do
  case "$1" in --reuid | --regid) shift 2 ;; --*) shift ;; *) break ;; esac
done
exec "$@"
`,
} as const
