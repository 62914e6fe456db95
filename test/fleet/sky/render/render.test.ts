import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { type LaunchRequest, NO_RESOURCES, type VmResources } from '../../../../src/fleet/fleet.ts'
import { skyRenderer } from '../../../../src/fleet/sky/render/render.ts'
import { overlayResources } from '../../../../src/fleet/sky/render/resources.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-render-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function request(template: string, more: Partial<LaunchRequest> = {}): Promise<LaunchRequest> {
  const file = path.join(folder, 't.yaml')
  await writeFile(file, template)
  return {
    name: 'vm',
    template: file,
    envs: {},
    secrets: {},
    leaseMinutes: 10,
    labels: { 'lmrun-run': '1' },
    resources: NO_RESOURCES,
    reuse: false,
    ...more,
  }
}

async function rendered(template: string, more: Partial<LaunchRequest> = {}) {
  const result = await skyRenderer.render(await request(template, more))
  return { ...result, task: parse(result.yaml, { version: '1.1' }) as Record<string, unknown> }
}

const overlay = (template: Record<string, unknown>, resources: Partial<VmResources>) => {
  const { labels: _labels, ...rest } = overlayResources(template, {
    resources: { ...NO_RESOURCES, ...resources },
    labels: {},
  })
  return rest
}

test('values of envs, nothing of secrets, and the rest as it was', async () => {
  const { task, yaml, secrets } = await rendered(
    `# why\nname: s\nvolumes: {/data: v}\nenvs: {A: null, B: 2024-11-25}\nsecrets: {KEY: "k3y"}\nrun: echo`,
    { envs: { A: 'yes' }, secrets: { TOK: 't0k' } },
  )
  expect(yaml).toContain('# why')
  expect(task).toMatchObject({
    name: 's',
    volumes: { '/data': 'v' },
    envs: { A: 'yes', B: '2024-11-25' },
  })
  expect(Object.keys(task)).toEqual(['name', 'volumes', 'envs', 'run', 'resources', 'setup'])
  expect(secrets).toEqual({ KEY: 'k3y', TOK: 't0k' })
  expect(yaml).not.toMatch(/k3y|t0k/)
})

test('a secret is nothing that SkyPilot could fill in', async () => {
  const mounts = `file_mounts: {~/a: "s3://\${BUCKET}/x", ~/b: "s3://$BUCKETS"}\nworkdir: $WHERE\nrun: echo $KEY`
  const secrets = { BUCKET: 'b', WHERE: 'w', KEY: 'k' }
  await expect(rendered(mounts, { secrets })).rejects.toMatchObject({
    problems: [
      { where: expect.stringMatching(/t\.yaml:1:1$/), what: 'the secret BUCKET in file_mounts' },
      { where: expect.stringMatching(/t\.yaml:2:1$/), what: 'the secret WHERE in workdir' },
    ],
  })
  const { task } = await rendered(mounts, { envs: { BUCKET: 'b', WHERE: 'w' }, secrets: { KEY: 'k' } })
  expect(task.file_mounts).toEqual({ '~/a': `s3://\${BUCKET}/x`, '~/b': 's3://$BUCKETS' })
})

test('the lease replaces autostop; labels are merged', async () => {
  const { task } = await rendered('resources: {autostop: 5, labels: {team: "a"}}\nrun: echo')
  expect(task.resources).toEqual({ labels: { team: 'a', 'lmrun-run': '1' } })
})

test('paths are the template’s own, and files of the runner go along', async () => {
  await mkdir(path.join(folder, 'q'), { recursive: true })
  const asked = { envs: { QUESTIONS: path.join(folder, 'q'), MODEL: 'org/name' } }
  const { task } = await rendered(
    'workdir: .\nvolumes: {/v: .}\nfile_mounts: {~/a: sub/a, /b: s3://b, /c: {source: ./c, mode: COPY}, /d: ~/d}\nrun: echo',
    asked,
  )
  expect(task.workdir).toBe(folder)
  expect(task.volumes).toEqual({ '/v': '.' })
  expect(task.file_mounts).toEqual({
    '~/a': path.join(folder, 'sub/a'),
    '/b': 's3://b',
    '/c': { source: path.join(folder, 'c'), mode: 'COPY' },
    '/d': '~/d',
    'lmrun-inputs/questions': path.join(folder, 'q'),
  })
  expect(task.envs).toEqual({ LMRUN_MESH: 'off', QUESTIONS: 'lmrun-inputs/questions', MODEL: 'org/name' })
  const bound = await skyRenderer.bind(await request('run: echo', asked))
  expect(bound.envs.QUESTIONS).toBe('lmrun-inputs/questions')
})

test.each(['', 'file_mounts: {}\n'])('files of a template with "%s" are a plain map', async text => {
  const { task, yaml } = await rendered(`${text}run: echo`, { envs: { QUESTIONS: folder } })
  expect(task.file_mounts).toEqual({ 'lmrun-inputs/questions': folder })
  expect(yaml).not.toContain('!!')
})

test('aliases are written out', async () => {
  const { task } = await rendered('setup: &s echo\nrun: *s\nvolumes: {/a: *s}')
  expect(task.volumes).toEqual({ '/a': 'echo' })
})

test('what would break a run is refused, all at once', async () => {
  const failing = skyRenderer.render(
    await request('num_nodes: 2\nservice: {}\nenvs: {A: null, LMRUN_X: "1"}\nrun: "a\\0"'),
  )
  await expect(failing).rejects.toThrow(
    /'service' is no part(.|\n)*num_nodes is 2(.|\n)*NUL(.|\n)*LMRUN_X(.|\n)*env A has no value/,
  )
  const many = { infra: Array.from({ length: 65 }, (_, i) => `aws/r-${i}`), accelerators: [] }
  await expect(skyRenderer.render(await request('run: echo', { resources: many }))).rejects.toThrow(
    'At most 64',
  )
})

test('the identity is the least that ends the VM', async () => {
  const config = async (infra: string[]) =>
    (await rendered('run: echo', { resources: { infra, accelerators: [] } })).config
  expect(await config(['aws/us-east-1'])).toEqual([
    'aws.remote_identity=SERVICE_ACCOUNT',
    'azure.remote_identity=NO_UPLOAD',
    'gcp.remote_identity=NO_UPLOAD',
    ...['kubernetes', 'nebius', 'oci', 'ssh', 'vast'].map(cloud => `${cloud}.remote_identity=NO_UPLOAD`),
  ])
  // A pod has an identity of its own; a cloud without any needs its key.
  for (const [infra, cloud] of [
    ['k8s/mine', 'kubernetes'],
    ['nebius', 'nebius'],
  ] as const)
    expect((await config([infra])).filter(line => line.startsWith(cloud))).toEqual([])
  expect(await config([])).toEqual([])
})

test.each<[string, Record<string, unknown>, Partial<VmResources>, Record<string, unknown>]>([
  ['one place', { cpus: 2 }, { infra: ['aws'] }, { cpus: 2, infra: 'aws' }],
  [
    'places and GPUs, crossed',
    { accelerators: 'T4' },
    { infra: ['aws', 'gcp'], accelerators: ['L4:4', 'A100'] },
    {
      any_of: ['L4:4', 'A100'].flatMap(accelerators =>
        ['aws', 'gcp'].map(infra => ({ accelerators, infra })),
      ),
    },
  ],
  [
    'own alternatives that fit stay',
    { any_of: [{ infra: 'aws/us-east-1', cpus: 4 }, { infra: 'gcp' }] },
    { infra: ['aws'] },
    { infra: 'aws/us-east-1', cpus: 4 },
  ],
  [
    'own order stays',
    { ordered: [{ accelerators: 'L4:4' }, { accelerators: 'A100' }] },
    { infra: ['gcp'] },
    { infra: 'gcp', ordered: [{ accelerators: 'L4:4' }, { accelerators: 'A100' }] },
  ],
  ['another place takes over', { cloud: 'gcp', region: 'r' }, { infra: ['aws'] }, { infra: 'aws' }],
  [
    'spot, disk and the lower price',
    { use_spot: true, max_hourly_cost: 2 },
    { spot: false, diskSize: 99, maxHourlyCost: 5 },
    { use_spot: false, max_hourly_cost: 2, disk_size: 99 },
  ],
  [
    'Slurm has neither ports nor spot',
    { ports: [8000], use_spot: true },
    { infra: ['slurm/x'] },
    { infra: 'slurm/x' },
  ],
  [
    'ports where they can be opened',
    { ports: [8000] },
    { infra: ['slurm', 'aws'] },
    { any_of: [{ infra: 'slurm' }, { infra: 'aws', ports: [8000] }] },
  ],
])('resources: %s', (_what, template, asked, expected) => {
  expect(overlay(template, asked)).toEqual(expected)
})

test('unknown values come out as they went in, and no secret comes out', async () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('yes', '010', '1:20', ' a', '\u2028'),
  )
  const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text, { maxLength: 3 }))
  const config = fc.dictionary(fc.stringMatching(/^[a-z]{2,8}$/), value, { minKeys: 1, maxKeys: 4 })
  await fc.assert(
    fc.asyncProperty(config, fc.stringMatching(/^s3cr[0-9]{9}$/), async (kept, secret) => {
      const source = stringify({ config: kept, run: 'echo' }, { version: '1.1' })
      const before = (parse(source, { version: '1.1' }) as { config: unknown }).config
      const { task, yaml } = await rendered(source, { secrets: { TOK: secret } })
      expect(task.config).toEqual(before)
      expect(yaml).not.toContain(secret)
    }),
    { numRuns: 100 },
  )
})
