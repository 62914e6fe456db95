import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'
import { InputError, type Problem } from '../../src/errors.ts'
import { localProblems } from '../../src/fleet/local/honours.ts'
import { bindTask } from '../../src/fleet/task.ts'
import { parseTemplate, readTemplate } from '../../src/fleet/template.ts'

const parse = (text: string) => parseTemplate(text, { file: 't.yaml', path: '/t.yaml' })

/** Every problem as a user reads it: `t.yaml:1:1: what. allowed`. */
function problemsOf(work: () => unknown): string[] {
  try {
    work()
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(shown)
    throw error
  }
  return []
}

const shown = ({ where, what, allowed }: Problem) => `${where}: ${what}. ${allowed}`

test('reads what SkyPilot reads', () => {
  const template = parse(`
name: model-server
envs: {MODEL: null, PORT: 8000, RELEASE: 2024-11-25, OPTS: ""}
secrets: {HF_TOKEN: null, KEY: "k"}
setup: |
  echo a
run: echo b
num_nodes: 1
resources:
  ports: [8000, "8010-8012"]
  autostop: {idle_minutes: 5, down: true, wait_for: JOBS}
  labels: {team: "a"}
`)
  expect(template).toMatchObject({
    name: 'model-server',
    envs: { MODEL: null, PORT: '8000', RELEASE: '2024-11-25', OPTS: '' },
    secrets: { HF_TOKEN: null, KEY: 'k' },
    setup: 'echo a\n',
    run: 'echo b',
    numNodes: 1,
    ports: [8000, 8010, 8011, 8012],
    autostop: { idleMinutes: 5, down: true, waitFor: 'jobs' },
    labels: { team: 'a' },
  })
  expect(template.places.get('resources.ports')).toBe('t.yaml:10:3')
})

test.each([
  ['5', 5],
  ['"10"', 10],
  ['2h', 120],
  ['1d', 1440],
  ['true', 0],
])('autostop: %s stops after %i minutes', (text, idleMinutes) => {
  expect(parse(`resources: {autostop: ${text}}`).autostop).toMatchObject({ idleMinutes, down: false })
})

test('autostop: false is none; secrets may be a list; one port needs no list', () => {
  expect(parse('resources: {autostop: false}').autostop).toBeNull()
  expect(parse('secrets: [secrets:HF_TOKEN]').secrets).toEqual({ HF_TOKEN: null })
  expect(parse('resources: {ports: 8000}').ports).toEqual([8000])
  expect(parse('x: &x 1\n'.replace('x:', 'num_nodes:')).numNodes).toBe(1)
  expect(parse('envs: {A: &a "1", B: *a}').envs).toEqual({ A: '1', B: '1' })
})

describe('refuses, with line and column', () => {
  test.each([
    ['', /^t.yaml: the file is empty\. Give some of: name, /],
    ['# only a comment', /the file is empty/],
    ['- a', /^t.yaml: a list where a map of keys belongs/],
    ['just text', /a string where a map of keys belongs/],
    ['run: [', /^t.yaml:1:\d+: not valid YAML: /],
    ['run:\n\techo', /^t.yaml:2:1: not valid YAML: Tabs/],
    ['run: a\nrun: b', /^t.yaml:2:1: not valid YAML: Map keys must be unique/],
    ['run: !shell a', /^t.yaml:1:6: not valid YAML: Unresolved tag/],
    ['run: a\n---\nrun: b', /several YAML documents in one file/],
    ['run: *nowhere', /"\*nowhere" names no anchor/],
    ['<<: {run: a}', /a key that is not a word/],
    ['? [a]\n: b', /a key that is not a word/],
    ['runn: a', /^t.yaml:1:1: unknown key 'runn'\. Did you mean 'run'\? Allowed: name, workdir/],
    [
      'resources:\n  acelerators: L4',
      /^t.yaml:2:3: unknown key 'acelerators' in resources\. Did you mean 'accelerators'\?/,
    ],
    [
      'resources: {autostop: {idle_minute: 5}}',
      /unknown key 'idle_minute' in resources.autostop\. Did you mean 'idle_minutes'\?/,
    ],
    ['resources: {any_of: [{acelerators: L4}]}', /unknown key 'acelerators' in resources.any_of.0/],
    ['resources: {any_of: [3]}', /'resources.any_of.0' is an integer\. It must be a map/],
    ['completely_other: 1', /unknown key 'completely_other'\. Allowed:/],
    ['__proto__: 1', /unknown key '__proto__'/],
    ['constructor: 1', /unknown key 'constructor'/],
    ['run: 5', /'run' is an integer\. It must be a string/],
    ['run:', /'run' is a null\. It must be a string/],
    ['setup: [a]', /'setup' is a list\. It must be a string/],
    ['num_nodes: two', /'num_nodes' is a string\. It must be an integer/],
    ['num_nodes: 0', /num_nodes is 0\. It must be 1 or more/],
    ['name: "a b"', /the name "a b"/],
    ['envs: [A]', /'envs' is a list\. It must be a map or a null/],
    ['envs: {1A: b}', /'1A' in envs is no variable name/],
    ['envs: {A: yes}', /^t.yaml:1:11: 'envs.A' is a boolean \(yes\)\. A variable is text: put it in quotes/],
    ['envs: {A: 0.50}', /'envs.A' is a number \(0.50\)/],
    ['envs: {A: 010}', /'envs.A' is an integer \(010\)/],
    ['envs: {A: [b]}', /'envs.A' is a list/],
    ['envs: {A: !!binary aGk=}', /'envs.A' is a binary/],
    ['secrets: [HF_TOKEN]', /"HF_TOKEN" in secrets\. In a list, write secrets:NAME/],
    ['secrets: {"secrets:A": b}', /'secrets:A' has a value/],
    ['resources: 3', /'resources' is an integer/],
    ['resources: {ports: [0]}', /the port 0\. A port is 1 to 65535/],
    ['resources: {ports: [70000]}', /the port 70000/],
    ['resources: {ports: "9-8"}', /the port 9-8/],
    ['resources: {ports: [[8000]]}', /the port list/],
    ['resources: {ports: 1-60000}', /60000 ports\. Declare at most 100/],
    ['resources: {labels: {a: 1}}', /'resources.labels.a' is an integer\. A label is text/],
    ['resources: {autostop: soon}', /autostop is "soon"/],
    ['resources: {autostop: {idle_minutes: -1}}', /idle_minutes is -1/],
    ['resources: {autostop: {wait_for: ever}}', /wait_for is "ever"\. Allowed: jobs_and_ssh, jobs, none/],
  ])('%j', (text, message) => {
    expect(problemsOf(() => parse(text))).toContainEqual(expect.stringMatching(message))
  })

  test('all problems of a file at once', () => {
    const text = 'runn: a\nnum_nodes: x\nenvs: {1A: b}\nresources: {acelerators: L4, ports: 0}\n'
    expect(problemsOf(() => parse(text))).toHaveLength(5)
  })

  test('an alias bomb, at once', () => {
    const bomb = Array.from({ length: 30 }, (_, i) => `k${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]`).join(
      '\n',
    )
    expect(problemsOf(() => parse(bomb.replace(/\*a-1, /g, 'x, ')))).toContainEqual(
      expect.stringMatching(/aliases/),
    )
  })
})

describe('files', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'lmrun-template-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each([
    ['missing.yaml', null, /there is no such file/],
    ['binary.yaml', Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8 text/],
    ['large.yaml', Buffer.alloc(1024 * 1024 + 1, 'a'), /A template holds at most/],
  ])('%s is refused', async (name, content, message) => {
    const file = path.join(folder, name)
    if (content) await writeFile(file, content)
    await expect(readTemplate(file)).rejects.toThrow(message)
  })

  test('a folder is refused', async () => {
    await expect(readTemplate(folder)).rejects.toThrow(/not a file/)
  })

  test.each([
    ['envs: {A: null}', {}, /the env A has no value\. Give it one; for an empty one write ""/],
    ['secrets: {A: null}', {}, /the secret A has no value/],
    ['run: a', { envs: { 'A B': '1' } }, /env A B: no variable name/],
    ['run: a', { envs: { A: 'x\0y' } }, /a NUL character/],
    ['envs: {A: "1"}', { secrets: { A: '2' } }, /A: both an env and a secret/],
    [
      'run: a',
      { envs: { LMRUN_VM: 'x' } },
      /the variable LMRUN_VM\. LMRUN_\* and SKYPILOT_\* are set by the fleet/,
    ],
    ['envs: {SKYPILOT_NODE_RANK: "3"}', {}, /:1:8: the variable SKYPILOT_NODE_RANK/],
    ['num_nodes: 2', {}, /:1:1: num_nodes is 2\. A local VM is one node/],
    ['workdir: .', {}, /:1:1: 'workdir' cannot be honoured on this machine/],
    ['file_mounts: {/a: b}', {}, /'file_mounts' cannot be honoured/],
    [
      'resources: {accelerators: "L4:4"}',
      {},
      /:1:13: 'accelerators' cannot be honoured .* honours ports, autostop, labels/,
    ],
    ['resources: {cpus: 2+}', {}, /'cpus' cannot be honoured/],
    ['resources: {use_spot: true}', {}, /'use_spot' cannot be honoured/],
    ['resources: {any_of: [{infra: aws}]}', {}, /'any_of' cannot be honoured/],
    [
      'resources: {autostop: 5}',
      {},
      /autostop would stop the VM\. A local VM ends, it cannot be stopped and kept/,
    ],
    ['resources: {autostop: {idle_minutes: 5}}', {}, /autostop would stop the VM/],
    ['resources: {autostop: {down: true, hook: a}}', {}, /'autostop.hook' cannot be honoured/],
  ])('what this machine cannot do: %s', async (text, more, message) => {
    const template = path.join(folder, 't.yaml')
    await writeFile(template, text)
    await expect(bindTask({ template, envs: {}, secrets: {}, ...more }, localProblems)).rejects.toThrow(
      message,
    )
  })

  test('the templates of this package can be honoured', async () => {
    const local = path.join(packageRoot(), 'templates', 'local')
    const server = { template: path.join(local, 'model-server.yaml'), envs: {}, secrets: {} }
    const task = await bindTask(server, localProblems)
    expect(task.template.ports).toEqual([8000])
  })

  test('no text makes anything but a template or an InputError', async () => {
    const word = fc.constantFrom(
      'name',
      'envs',
      'secrets',
      'setup',
      'run',
      'num_nodes',
      'resources',
      'ports',
      'autostop',
      'labels',
      'any_of',
      'null',
      'yes',
      '1',
      '1:30',
      '2024-11-25',
      '&a',
      '*a',
      '<<',
      '!!set',
      '- ',
      ': ',
      '{',
      '}',
      '[',
      ']',
      '"',
      "'",
      '|',
      '>',
      '\n',
      '\n  ',
      '\t',
      '#',
      '%',
      '---',
      '...',
      '? ',
      '__proto__',
      'toString',
      '\u0000',
      '💥',
    )
    const yaml = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 30 }).map(words => words.join('')),
    )
    const json = fc.jsonValue().map(value => JSON.stringify(value))
    const keyed = fc
      .tuple(fc.constantFrom('envs', 'secrets', 'resources', 'num_nodes', 'run'), fc.jsonValue())
      .map(([key, value]) => JSON.stringify({ [key]: value }))
    const ports = fc
      .jsonValue()
      .map(value => JSON.stringify({ resources: { ports: value, autostop: value, labels: value } }))
    fc.assert(
      fc.property(fc.oneof(yaml, json, keyed, ports), text => {
        problemsOf(() => localProblems(parse(text), []))
      }),
      { numRuns: 1000 },
    )
  })
})
