import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { type LaunchRequest, NO_RESOURCES } from '../../../src/fleet/fleet.ts'
import { skyRenderer } from '../../../src/fleet/sky/render/render.ts'
import { labUser } from '../../support/sky-lab/lab.ts'

/** What the pinned SkyPilot reads of templates; no API server is started. */
const user = await labUser(inject('skyLab'), 'templates')
const TEMPLATES = path.join(packageRoot(), 'templates')
const bundled = (await readdir(TEMPLATES, { recursive: true })).filter(file => file.endsWith('.yaml'))

const READ = `
import json, sys, sky
from sky.utils import yaml_utils
text = open(sys.argv[1]).read()
yaml_utils.check_no_duplicate_keys(text)
config = yaml_utils.safe_load(text)
# What is null must be given on the command line.
given = [(name, '-') for name, value in (config.get('envs') or {}).items() if value is None]
task = sky.Task.from_yaml_config(config, env_overrides=given)
print(json.dumps({'envs': dict(task.envs), 'mounts': sorted(task.file_mounts or {}),
                  'run': task.run, 'resources': sorted(str(one) for one in task.resources)}))
`

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-sky-templates-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What the real SkyPilot reads of a file. */
async function read(file: string): Promise<Record<string, unknown>> {
  const options = { env: { ...process.env, ...user.env } }
  const { stdout } = await promisify(execFile)(user.python, ['-c', READ, file], options)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}

async function rendered(name: string, more: Partial<LaunchRequest>): Promise<Record<string, unknown>> {
  const template = path.isAbsolute(name) ? name : path.join(TEMPLATES, name)
  const { yaml } = await skyRenderer.render({
    ...{ name: 'vm-1', template, leaseMinutes: 10, reuse: false },
    ...{ envs: {}, secrets: { TOK: 'value' }, labels: { 'lmrun-run': '1' }, resources: NO_RESOURCES },
    ...more,
  })
  const file = path.join(folder, 'rendered.yaml')
  await writeFile(file, yaml)
  return read(file)
}

test.each(bundled)('templates/%s, as it is', async file => {
  expect(await read(path.join(TEMPLATES, file))).toMatchObject({ run: expect.stringMatching(/\S/) })
})

test('the client, as rendered for two clouds', async () => {
  const resources = { infra: ['aws/us-east-1', 'gcp'], accelerators: [] }
  const task = await rendered('smoke-client.yaml', { envs: { SERVER: '', MODEL: 'm' }, resources })
  expect(task).toMatchObject({ envs: { MODEL: 'm', QUESTIONS: 'smoke' } })
  expect(task.mounts).toContain('~/.lmrun/package/dist/cli')
  expect(task.resources).toEqual([expect.stringMatching(/^AWS/), expect.stringMatching(/^GCP/)])
})

test('the client with LiveBench itself', async () => {
  const task = await rendered('livebench-client.yaml', { envs: { SERVER: '', QUESTIONS: 'hub' } })
  expect(task).toMatchObject({
    envs: { QUESTIONS: 'hub', LIVEBENCH_COMMIT: expect.stringMatching(/^[0-9a-f]{40}$/) },
  })
  expect(task.mounts).toEqual(expect.arrayContaining(['~/.lmrun/client', '~/.lmrun/smoke']))
})

test('the server: spot and ports where there are any', async () => {
  const resources = { infra: ['aws', 'slurm/lab'], accelerators: ['L4:4'], maxHourlyCost: 4 }
  const task = await rendered('model-server.yaml', { envs: { MODEL: 'o/m' }, resources })
  expect(task.resources).toEqual([
    expect.stringMatching(/^AWS\(\[Spot\].*L4.*ports=/),
    expect.stringMatching(/^Slurm\((?!.*(Spot|ports)).*L4/),
  ])
})

test('scripts and variables come out of SkyPilot’s parser as they went in', async () => {
  const template = path.join(folder, 'odd.yaml')
  const odd = 'yes \u2028 \u0007 é 😀: #'
  await writeFile(
    template,
    `envs: {A: ${JSON.stringify(odd)}, B: "010"}\nrun: "  indented\\n\\techo a \\\\\\n\\n"\n`,
  )
  const task = await rendered(template, {})
  expect(task.envs).toMatchObject({ A: odd, B: '010' })
  expect(task.run).toContain('\n  indented\n\techo a \\\n\n')
})
