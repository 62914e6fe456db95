import { execFileSync, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { packageRoot } from '../src/env.ts'
import { OPTIONS } from '../src/options.ts'
import { anchors, linkTargets, shellCommands } from './support/markdown.ts'

const root = packageRoot()
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

/** Tracked and new files that are ours to write: no bundles, no fixtures. Empty ones and binary ones included. */
const ours = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter(file => file !== '' && existsSync(path.join(root, file)))
  .filter(file => !/^(dist|test\/fixtures)\//.test(file))

const documents = ours.filter(file => file.endsWith('.md') && !file.startsWith('test/'))
const workflows = ours.filter(file => /^\.github\/workflows\/.*\.ya?ml$/.test(file))

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string; readonly required?: boolean }>>
  readonly runs: { readonly main: string; readonly post: string }
}
const action: Action = parse(read('action.yml'))

interface Package {
  readonly scripts: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
}
const manifest: Package = JSON.parse(read('package.json'))

describe('action.yml', () => {
  test('has the options of the schema, with their defaults', () => {
    const { 'github-token': token, ...inputs } = action.inputs
    expect(token?.default).toMatch(/^\$\{\{ github\.token \}\}$/)
    const options: Record<string, { readonly fallback?: string; readonly allowed: string }> = OPTIONS
    const fallbacks = Object.entries(options).map(([name, { fallback }]) => [name, fallback ?? ''])
    const defaults = Object.entries(inputs).map(([name, input]) => [name, input.default ?? ''])
    expect(Object.fromEntries(defaults)).toEqual(Object.fromEntries(fallbacks))
  })

  test.each([action.runs.main, action.runs.post, ...Object.values(manifest.bin), 'dist/vm/index.js'])(
    '%s is there',
    entry => {
      expect(existsSync(path.join(root, entry))).toBe(true)
    },
  )
})

describe("README's tables", () => {
  test('are in step with action.yml', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/readme.mjs', '--check'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })

  test('out of step are refused, then rewritten', () => {
    const copy = mkdtempSync(path.join(tmpdir(), 'lmrun-readme-'))
    onTestFinished(() => rmSync(copy, { recursive: true }))
    for (const file of ['README.md', 'action.yml', 'package.json', 'scripts/readme.mjs']) {
      cpSync(path.join(root, file), path.join(copy, file))
    }
    symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
    const changed = read('action.yml').replace('inputs:\n', 'inputs:\n  new-one:\n    description: "a | b"\n')
    writeFileSync(path.join(copy, 'action.yml'), changed)
    const readme = (...args: string[]) =>
      spawnSync(process.execPath, ['scripts/readme.mjs', ...args], { cwd: copy, encoding: 'utf8' })

    const refused = readme('--check')
    expect(refused.status).toBe(1)
    expect(refused.stderr).toContain('npm run readme')
    expect(readme().status).toBe(0)
    expect(readFileSync(path.join(copy, 'README.md'), 'utf8')).toContain('| `new-one` | a \\| b | |')
    expect(readme('--check').status).toBe(0)
  })
})

describe.each(documents)('%s', file => {
  const text = read(file)

  test('links to what is there', () => {
    expect(linkTargets(text).flatMap(target => brokenLink(file, target))).toEqual([])
  })

  test('shows commands that exist', () => {
    expect(shellCommands(text).filter(words => !exists(words))).toEqual([])
  })
})

describe('what is written', () => {
  const texts = ours.filter(file => !/\.(png|gguf|ico)$/.test(file)).map(file => [file, read(file)] as const)

  test('names no path of anybody’s machine', () => {
    const machine = /(?<![\w.~}$*/])\/(?:work|root|home\/(?!runner)\w+|Users\/\w+)\//
    expect(texts.filter(([, text]) => machine.test(text)).map(([file]) => file)).toEqual([])
  })

  test('names no package registry or mirror, package-lock.json included', () => {
    const registry =
      /\bregistry\.[a-z0-9-]+\.[a-z]+|\bpypi\.org|pythonhosted\.org|proxy\.golang\.org|index[-]url/
    expect(texts.filter(([, text]) => registry.test(text)).map(([file]) => file)).toEqual([])
  })

  test('is bundled without the path that it was built at', () => {
    const bundles = readdirSync(path.join(root, 'dist'), { recursive: true, encoding: 'utf8' })
    const naming = bundles.filter(
      file => file.endsWith('.js') && read(path.join('dist', file)).includes(root),
    )
    expect(naming).toEqual([])
  })

  test('decides one thing a record, numbered in order', () => {
    const numbers = readdirSync(path.join(root, 'docs/adr')).map(name => Number(/^(\d{3})-/.exec(name)?.[1]))
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1))
  })
})

interface Workflow {
  readonly permissions: unknown
  readonly concurrency: unknown
  readonly jobs: Readonly<
    Record<string, { readonly 'timeout-minutes'?: number; readonly permissions?: unknown }>
  >
}

describe.each(workflows)('%s', file => {
  const text = read(file)
  const workflow: Workflow = parse(text)

  test('pins every action by its commit and says the version', () => {
    const uses = [...text.matchAll(/\buses: (.+)$/gm)].map(match => match[1] ?? '')
    const pinned = /^[\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/
    expect(uses.filter(use => !pinned.test(use) && !use.startsWith('./ '))).toEqual([])
  })

  test('grants nothing at its top, and bounds every job', () => {
    expect(workflow.permissions).toEqual({})
    expect(workflow.concurrency).toBeDefined()
    for (const [name, job] of Object.entries(workflow.jobs)) {
      expect(job['timeout-minutes'], name).toBeGreaterThan(0)
      expect(job.permissions, name).toBeDefined()
    }
  })
})

/** What is wrong with a link: other sites are only asked to be https, because tests have no network. */
function brokenLink(from: string, target: string): string[] {
  if (/^[a-z]+:/.test(target)) return target.startsWith('https://') ? [] : [`${target}: not https`]
  const [file = '', anchor] = target.split('#')
  const linked = file === '' ? from : path.join(path.dirname(from), decodeURI(file))
  if (!existsSync(path.join(root, linked))) return [`${target}: no such file`]
  if (anchor === undefined || anchors(read(linked)).has(anchor)) return []
  return [`${target}: no such heading`]
}

/** Whether a command that a document shows is there: ours by looking, others' by a list against typing errors. */
function exists(words: readonly string[]): boolean {
  const [program = '', first = '', second = ''] = words
  // By hand one works in the folder of the templates.
  const isThere = (file: string) => ['', 'templates'].some(from => existsSync(path.join(root, from, file)))
  const npmCommands = ['cit', 'ci', 'install', 'link', 'test']
  if (program === 'npm' && first === 'run') return Object.hasOwn(manifest.scripts, second)
  if (program === 'npm') return npmCommands.includes(first)
  if (program === 'lmrun') return existsSync(path.join(root, 'src/cli', `${first}.ts`))
  if (program === 'sky') {
    const known = ['check', 'down', 'launch', 'logs', 'status'].includes(first)
    return known && words.filter(word => word.endsWith('.yaml')).every(isThere)
  }
  if (program.includes('/')) return isThere(program)
  return ['cd', 'cat', 'gh', 'git', 'jq', 'node', 'npx'].includes(program)
}
