/** The built dist/node on the machines of a mesh lab: who joins, by what, and who does not. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { V1ConfigMap, V1Node } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { systemClock as clock } from '../../../src/clock.ts'
import { packageRoot } from '../../../src/env.ts'
import { connectMesh, type MeshConnection } from '../../../src/mesh/connection.ts'
import { createK3sMesh } from '../../../src/mesh/k3s.ts'
import type { Mesh } from '../../../src/mesh/mesh.ts'
import { mintToken, revokeToken } from '../../../src/mesh/token.ts'
import { type Join, joinSchema, mainSchema } from '../../../src/mesh-join.ts'
import { JOIN_FILE, KUBECONFIG_FILE, MAIN_INFO } from '../../../src/mesh-names.ts'
import { knownFacts } from '../../../src/node/facts.ts'
import type { KubeClient } from '../../../src/node/kube/client.ts'
import { PATH } from '../../../src/node/kube/paths.ts'
import { planAgent } from '../../../src/node/plan.ts'
import { type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import type { MachineProcess } from '../../support/mesh-lab/machine.ts'
import { Pki } from '../../support/mesh-lab/pki.ts'
import { adminOf, answerOf, found, serveModel } from '../../support/mesh-nodes.ts'
import { motoVenv } from '../../sweep/support/moto.ts'

const NODE = path.join(packageRoot(), 'dist/node/index.js')
const SUPPORT = path.join(import.meta.dirname, '../../support')
const HOME = '/var/lib/lab-home'
const PATIENCE = { timeout: 60_000, interval: 100 }
const LABELS = {
  'lmrun-run': '17',
  'lmrun-attempt': '1',
  'lmrun-expiry': '4000000000',
  'lmrun-ending': 'down',
}
const ended = new AbortController()
let lab: MeshLab
let admin: KubeClient
let mesh: MeshConnection
/** The run's side of the mesh. */
let run: Mesh

type Vars = Readonly<Record<string, string>>

/** As setup of a template runs it. */
function lmrun(vm: string, args: readonly string[], env: Vars = {}): MachineProcess {
  const info = { cluster_name: vm, cloud: 'AWS', region: 'us-east-1', zone: null }
  return lab.vm(vm).spawn('node', [NODE, ...args], {
    env: {
      SKYPILOT_CLUSTER_INFO: JSON.stringify(info),
      SKYPILOT_NUM_NODES: '1',
      SKYPILOT_SETUP_NODE_RANK: '0',
      LMRUN_K3S_START: path.join(START, 'start'),
      ...env,
    },
  })
}

/** @returns what it said; a machine that was replaced goes on in the same logs */
async function done(process: MachineProcess, code = 0): Promise<string> {
  const exit = await process.exited
  expect(exit, process.output()).toBe(code)
  return process.output()
}

const START = '/opt/lmrun-test'

/** systemd, and what takes K3s's place. */
async function furnish(vm: string): Promise<void> {
  const machine = lab.vm(vm)
  await mkdir(machine.file(START), { recursive: true })
  const script = (file: string) => `#!/bin/sh\nexec node ${path.join(SUPPORT, file)} "$@"\n`
  await writeFile(machine.file(`${START}/start`), script('mesh-lab-start.ts'), { mode: 0o755 })
  await writeFile(machine.file('/usr/local/bin/systemctl'), script('systemctl/systemctl.ts'), { mode: 0o755 })
}

async function hand(vm: string, join: Join): Promise<void> {
  const file = lab.vm(vm).file(path.join(HOME, JOIN_FILE))
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(join), { mode: 0o600 })
}

function runMesh() {
  return createK3sMesh({
    clock,
    connection: Promise.resolve({ ...mesh, stays: true }),
    hand,
    probe: async () => ({ ready: true }),
    labels: LABELS,
    close: async () => {},
  })
}

async function joinFor(ttlSeconds: number, change: Partial<Join> = {}): Promise<Join> {
  const expiresAt = Math.floor(Date.now() / 1000) + ttlSeconds
  const { token } = await mintToken(mesh.kube, { expiresAt, labels: LABELS })
  return { version: 1, main: mesh.main, token, expiresAt, launch: 'zzzzz', labels: LABELS, ...change }
}

async function modeOf(vm: string, file: string): Promise<string> {
  return ((await stat(lab.vm(vm).file(file))).mode & 0o777).toString(8)
}

async function nodesOf(vm: string): Promise<V1Node[]> {
  const selector = encodeURIComponent(`lmrun-vm=${vm}`)
  return (await admin.get<{ items: V1Node[] }>(`${PATH.node()}?labelSelector=${selector}`)).items
}

beforeAll(async () => {
  lab = await startMeshLab({ vms: ['qwen', 'client', 'late', 'aws'], nodeGraceSeconds: 6 })
  admin = await adminOf(lab, ended.signal)
  for (const vm of ['main', 'qwen', 'client', 'late']) await furnish(vm)
})

afterAll(async () => {
  ended.abort()
  await lab?.stop()
})

describe('main', () => {
  test('says what it would do, and does nothing', async () => {
    const said = await done(lmrun('main', ['server', '--dry-run'], { LMRUN_MESH: 'join' }))
    expect(said).toMatch(/^lmrun: main would be the main node of the mesh main, with:$/m)
    expect(said).toContain('flannel-backend: wireguard-native')
    expect(existsSync(lab.main.file('/etc/lmrun'))).toBe(false)
    expect(existsSync(lab.main.file('/usr/local/lib/lmrun'))).toBe(false)
  })

  test('tells where it is, lets the runner in by ssh, and keeps its unit running', async () => {
    const said = await done(lmrun('main', ['server'], { LMRUN_MESH: 'join' }))
    expect(said).toMatch(/K3s is up: main\.0\.[a-z0-9]{5}/)
    const { data } = await admin.get<V1ConfigMap>(PATH.own(MAIN_INFO))
    const info = mainSchema.parse(JSON.parse(data?.main ?? ''))
    expect(info).toMatchObject({ mesh: 'main', privateIp: lab.main.address, publicIp: null, cloud: 'aws' })
    const kubeconfig = path.join(HOME, KUBECONFIG_FILE)
    expect(await modeOf('main', kubeconfig)).toBe('600')
    expect(await readFile(lab.main.file(kubeconfig), 'utf8')).toContain('https://127.0.0.1:6443')
    mesh = await connectMesh(await readFile(lab.adminKubeconfig, 'utf8'))
    expect(mesh.main).toEqual(info)
    run = runMesh()
  })

  test('a second time changes nothing', async () => {
    const calls = () => readFile(lab.main.file('/run/systemctl/calls'), 'utf8')
    const before = await calls()
    const said = await done(lmrun('main', ['server'], { LMRUN_MESH: 'join' }))
    expect(said).toBe('lmrun: nothing to change: this VM is the main node of the mesh main\n')
    const more = (await calls()).slice(before.length).trim().split('\n')
    expect(more.filter(line => !line.startsWith('is-active'))).toEqual([])
  })
})

describe('a VM of a run', () => {
  test('waits for its join file, joins, deletes it, and is served by name', async () => {
    await serveModel(lab, 'qwen', 'qwen')
    const [server, client] = [
      lmrun('qwen', ['agent', '--port', '8000'], { LMRUN_MESH: 'join' }),
      lmrun('client', ['agent'], { LMRUN_MESH: 'join' }),
    ]
    await server.saw(/waiting for the run to let this VM in/)
    await Promise.all([run.admit('qwen'), run.admit('client')])
    expect(await done(server)).toMatch(/qwen\.0\.\w{5} has joined the mesh main/)
    expect(server.output()).toContain('it publishes http://qwen.default.svc.cluster.local:8000')
    expect(await done(client)).toContain('it publishes nothing')
    expect(existsSync(lab.vm('qwen').file(path.join(HOME, JOIN_FILE)))).toBe(false)
    await run.waitUntilReady({ name: 'qwen', port: 8000 }, { signal: ended.signal, deadlineMs: 60_000 })
    await lab.resolveByMesh('client')
    await vi.waitFor(async () => expect(await answerOf(lab, 'client', 'qwen')).toBe('qwen'), PATIENCE)
    const [node] = await nodesOf('qwen')
    expect(node?.metadata?.labels).toMatchObject({ ...LABELS, 'lmrun-mesh-role': 'vm' })
    expect(node?.status?.addresses).toContainEqual({ type: 'InternalIP', address: lab.vm('qwen').address })
  })

  test('keeps its secret to root, and its output and processes do not have it', async () => {
    const token = (await readFile(lab.vm('qwen').file('/etc/rancher/k3s/token'), 'utf8')).trim()
    expect(token).toMatch(/^K10/)
    for (const file of ['/etc/rancher/k3s/token', '/etc/rancher/k3s/config.yaml', '/etc/lmrun/agent.json'])
      expect(await modeOf('qwen', file), file).toBe('600')
    const secret = token.slice(-16)
    const processes = await lab.vm('qwen').run('sh', ['-c', 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ'])
    expect(processes).toContain('run-agent')
    expect(processes).not.toContain(secret)
    expect(await readFile(lab.vm('qwen').file('/etc/lmrun/agent.json'), 'utf8')).not.toContain(secret)
    expect(existsSync(lab.vm('qwen').file('/etc/rancher/k3s/k3s.yaml'))).toBe(false)
  })

  test('a second time changes nothing; another port is published at once', async () => {
    const again = await done(lmrun('qwen', ['agent', '--port', '8000'], { LMRUN_MESH: 'join' }))
    expect(again).toMatch(/^lmrun: nothing to change: qwen\.0\.\w{5} is in the mesh main\n$/)
    const two = await done(lmrun('qwen', ['agent', '--port', 'http=8000', '--port', 'metrics=9090']))
    expect(two).toContain('qwen.default.svc.cluster.local:9090')
    expect(await done(lmrun('qwen', ['status']))).toMatch(
      /metrics: qwen\.default\.svc\.cluster\.local:9090 is/,
    )
    const back = await done(lmrun('qwen', ['agent', '--port', '8000']))
    expect(back).toContain('it publishes http://qwen.default.svc.cluster.local:8000\n')
    await vi.waitFor(
      async () => expect(await done(lmrun('qwen', ['status']))).toMatch(/:8000 is ready/),
      PATIENCE,
    )
  })

  test('whose K3s starts anew stays in the mesh', async () => {
    const [before] = await nodesOf('qwen')
    await lab.vm('qwen').run('systemctl', ['restart', 'lmrun-k3s.service'])
    await vi.waitFor(async () => expect(await answerOf(lab, 'client', 'qwen')).toBe('qwen'), PATIENCE)
    const [after] = await nodesOf('qwen')
    expect(after?.metadata?.uid).toBe(before?.metadata?.uid)
  })

  test('that is launched again under its name publishes again', async () => {
    const [before] = await nodesOf('qwen')
    await lab.vanish('qwen')
    await lab.addVm('qwen')
    await furnish('qwen')
    await serveModel(lab, 'qwen', 'qwen')
    // As a run does before it launches anew: else the name is free after main's grace.
    await run.leave({ name: 'qwen', port: 8000 })
    await run.admit('qwen')
    await done(lmrun('qwen', ['agent', '--port', '8000'], { LMRUN_MESH: 'join' }))
    await vi.waitFor(async () => expect(await answerOf(lab, 'client', 'qwen')).toBe('qwen'), PATIENCE)
    const names = (await nodesOf('qwen')).map(({ metadata }) => metadata?.name)
    expect(names).not.toContain(before?.metadata?.name)
  })

  test('leaves nothing of it when it leaves', async () => {
    const [node] = await nodesOf('qwen')
    const said = await done(lmrun('qwen', ['leave']))
    expect(said).toContain('K3s is gone')
    expect(await found(admin.get(PATH.slice(node?.metadata?.name ?? '')))).toBeNull()
    for (const file of [
      '/etc/lmrun/agent.json',
      '/etc/rancher/k3s/token',
      '/var/lib/rancher/k3s',
      '/usr/local/lib/lmrun/app',
    ])
      expect(existsSync(lab.vm('qwen').file(file)), file).toBe(false)
    expect(await lab.vm('qwen').run('iptables-save')).not.toMatch(/KUBE-/)
    expect(await lab.vm('qwen').run('ip', ['link'])).not.toContain('flannel')
    expect(await done(lmrun('qwen', ['leave']))).toMatch(
      /^lmrun: nothing to change: this VM is in no mesh\n$/m,
    )
    await vi.waitFor(async () => expect(await answerOf(lab, 'client', 'qwen')).not.toBe('qwen'), PATIENCE)
  })
})

describe('who may not join', () => {
  const refused = async (join: Join) => {
    await hand('late', join)
    return done(lmrun('late', ['agent'], { LMRUN_MESH: 'join' }), 1)
  }

  test('with a token that was revoked', async () => {
    const join = await joinFor(3600)
    await revokeToken(mesh.kube, /::(\w{6})/.exec(join.token)?.[1] ?? '')
    expect(await refused(join)).toMatch(/does not know the token: it has expired, or was revoked/)
  })

  test('with a token that has expired', async () => {
    const join = await joinFor(-120)
    expect(await refused(join)).toMatch(/the token for the mesh main expired \d+ minutes ago/)
    // Also when its own clock is late.
    expect(await refused({ ...join, expiresAt: join.expiresAt + 7200 })).toMatch(
      /has expired, or was revoked/,
    )
  })

  test('a mesh with another CA, which is not shown the token', async () => {
    const join = await joinFor(3600)
    const other = { ...join, token: join.token.replace(/^K10.{64}/, `K10${'0'.repeat(64)}`) }
    const said = await refused(other)
    expect(said).toMatch(/what answers at .* is not main: its CA is [0-9a-f]{64}, not 0{64}/)
    expect(said).toContain('The token was not sent.')
  })

  test('what is no VM name', async () => {
    const info = JSON.stringify({ cluster_name: 'Not_One' })
    const said = await done(lmrun('late', ['agent'], { SKYPILOT_CLUSTER_INFO: info }), 2)
    expect(said).toMatch(/VM name: Not_One cannot be the name of a service/)
    expect(existsSync(lab.vm('late').file('/etc/lmrun'))).toBe(false)
  })
})

describe('K3s', () => {
  const script = '#!/bin/sh\nexec /opt/mesh-lab/k3s "$@"\n'
  const sha256 = createHash('sha256').update(script).digest('hex')
  const release = { version: 'v0.0.0', files: { [process.arch]: { name: 'k3s', sha256 } } }
  const start = async (vm: string, plan: object) => {
    const env = { LMRUN_K3S_URL: `http://${lab.vm('aws').address}:8080` }
    return lab
      .vm(vm)
      .spawn('node', [`${SUPPORT}/mesh-start-k3s.ts`, JSON.stringify({ plan, release })], { env })
  }

  test('is fetched, checked, started by its unit, and waited for; a second time nothing is done', async () => {
    const serve = `require('http').createServer((_, response) => response.end(${JSON.stringify(script)}))
      .listen(8080, () => console.log('listening'))`
    await lab
      .vm('aws')
      .spawn('node', ['-e', serve])
      .saw(/listening/)
    await lab.addVm('plain')
    await furnish('plain')
    const facts = knownFacts({}, { interface: 'eth0', address: lab.vm('plain').address, mtu: 1500 }, 'plain')
    const plan = planAgent({ ...facts, publicIp: null, mainIsNear: true }, await joinFor(3600), 'p1a1n')
    expect(await done(await start('plain', plan))).toBe('K3s is installed\nstarted\n')
    const [node] = await nodesOf('plain')
    expect(node?.metadata?.name).toBe('plain.0.p1a1n')
    expect(await lab.vm('plain').machine.ip('link', 'show', 'flannel.1')).toContain('mtu 1450')
    const calls = await readFile(lab.vm('plain').file('/run/systemctl/calls'), 'utf8')
    expect(calls.trim().split('\n')).toEqual([
      'is-active --quiet lmrun-k3s.service',
      'daemon-reload',
      'enable --quiet lmrun-k3s.service',
      'start --no-block lmrun-k3s.service',
    ])
    await done(await start('plain', plan))
    const more = await readFile(lab.vm('plain').file('/run/systemctl/calls'), 'utf8')
    expect(more.slice(calls.length)).toBe('is-active --quiet lmrun-k3s.service\n')
  })

  test('of somebody else is left alone', async () => {
    await writeFile(lab.vm('late').file('/etc/systemd/system/k3s-agent.service'), '')
    const said = await done(await start('late', { files: [], unit: 'lmrun-k3s.service' }), 1)
    expect(said).toContain('this VM has another K3s: k3s-agent.service')
    await rm(lab.vm('late').file('/etc/systemd/system/k3s-agent.service'))
  })
})

describe('a path that drops large packets without a word', () => {
  test('is told by the VM that joins over it, and a smaller MTU helps', async () => {
    await lab.addVm('narrow')
    await furnish('narrow')
    // What goes beside the mesh fits, as where something on the way clamps TCP.
    for (const { machine } of [lab.main, lab.vm('narrow')]) {
      const [network = ''] = (await machine.ip('route', 'show', 'dev', 'eth0', 'scope', 'link')).split(' ')
      await machine.ip('route', 'change', network, 'dev', 'eth0', 'advmss', '1200')
    }
    await lab.setPathMtu('narrow', 1300)
    const agent = lmrun('narrow', ['agent'], { LMRUN_MESH: 'join' })
    await run.admit('narrow')
    const said = await done(agent, 1)
    expect(said).toContain('drops large ones on the way to main (a black hole)')
    expect(said).toContain('join with --mtu 1280, or less')
    await done(lmrun('narrow', ['leave']))
    await hand('narrow', await joinFor(3600, { launch: 'm1280' }))
    const joined = await done(lmrun('narrow', ['agent', '--mtu', '1280'], { LMRUN_MESH: 'join' }))
    expect(joined).toContain('narrow.0.m1280 has joined the mesh main')
  })
})

describe('by hand', () => {
  const REGION = { AWS_DEFAULT_REGION: 'us-east-1' }
  const SSM = `import boto3, os
ssm = boto3.client('ssm', 'us-east-1', endpoint_url='http://127.0.0.1:5000', aws_access_key_id='testing', aws_secret_access_key='testing')
name = '/lmrun/main/join'
if 'JOIN' in os.environ: ssm.put_parameter(Name=name, Value=os.environ['JOIN'], Type='SecureString', Overwrite=True)
print(ssm.get_parameter(Name=name, WithDecryption=True)['Parameter']['Value'])
`

  /** What VMs would join with, after it was replaced when another is given. */
  async function written(join?: Join): Promise<Join> {
    const env = join ? { JOIN: JSON.stringify(join) } : {}
    const python = path.join(await motoVenv(), 'bin/python')
    return joinSchema.parse(JSON.parse(await lab.vm('aws').machine.run(python, ['-c', SSM], { env })))
  }

  beforeAll(async () => {
    // No VM of the mesh: its firewall lets nobody in.
    const { address, ...aws } = lab.vm('aws')
    const moto = aws.spawn(path.join(await motoVenv(), 'bin/python'), [
      '-m',
      'moto.server',
      '-H',
      '0.0.0.0',
      '-p',
      '5000',
    ])
    await moto.saw(/Running on http/)
    await rm(lab.vm('late').file(path.join(HOME, JOIN_FILE)), { force: true })
    for (const vm of ['main', 'late']) {
      const folder = lab.vm(vm).file(path.join(HOME, '.aws'))
      await mkdir(folder, { recursive: true })
      await writeFile(path.join(folder, 'config'), `[default]\nendpoint_url = http://${address}:5000\n`)
      const keys = 'aws_access_key_id = testing\naws_secret_access_key = testing'
      await writeFile(path.join(folder, 'credentials'), `[default]\n${keys}\n`, { mode: 0o600 })
    }
  })

  test('a VM is refused as long as there is no main', async () => {
    expect(await done(lmrun('late', ['agent'], REGION), 1)).toMatch(
      /there is no mesh main: nothing is in SSM/,
    )
  })

  test('main writes down what VMs join with, once, and they do', async () => {
    const said = await done(lmrun('main', ['server', '--ttl', '90m'], REGION))
    expect(said).toContain('VMs that are launched by hand join by SSM /lmrun/main/join in us-east-1')
    expect(await done(lmrun('main', ['server', '--ttl', '90m'], REGION))).toContain('nothing to change')
    expect(await done(lmrun('late', ['agent'], REGION))).toMatch(/late\.0\.\w{5} has joined the mesh main/)
    expect(await done(lmrun('late', ['agent'], REGION))).toContain('nothing to change')
  })

  test('main writes down another token in the middle of the life of the one that is there', async () => {
    const old = await written(await joinFor(20))
    await vi.waitFor(async () => expect((await written()).token).not.toBe(old.token), {
      timeout: 150_000,
      interval: 1000,
    })
    const next = await written()
    expect(next.expiresAt - old.expiresAt).toBeGreaterThan(80 * 60)
    await done(lmrun('late', ['leave']))
    expect(await done(lmrun('late', ['agent'], REGION))).toMatch(/late\.0\.\w{5} has joined the mesh main/)
  })

  test('a second main of its name is refused as long as the first lives', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-other-main-'))
    await using cleaning = new AsyncDisposableStack()
    cleaning.defer(() => rm(folder, { recursive: true }))
    const other = await Pki.create(folder)
    const { address } = lab.vm('aws')
    await other.server('api', [`IP:${address}`])
    const serve = `const { createServer } = require('node:https')
const [ca, cert, key] = process.argv.slice(1).map(file => require('node:fs').readFileSync(file))
createServer({ cert, key }, (_, response) => response.end(ca)).listen(6443, () => console.log('listening'))`
    const files = ['ca.crt', 'api.crt', 'api.key'].map(name => other.file(name))
    const first = lab.vm('aws').spawn('node', ['-e', serve, ...files])
    await first.saw(/listening/)
    const ours = await written()
    const theirs = {
      ...ours,
      token: ours.token.replace(/^K10\w+/, `K10${await other.caHash()}`),
      main: { ...ours.main, privateIp: null, publicIp: address },
    }
    await written(theirs)
    const said = await done(lmrun('main', ['server', '--ttl', '90m'], REGION), 1)
    expect(said).toContain(`the mesh main has a main node that lives, at ${address}: SSM /lmrun/main/join`)
    expect(said).toContain('Give this one another name')
    expect((await written()).token).toBe(theirs.token)
    await first.end()
    expect(await done(lmrun('main', ['server', '--ttl', '90m'], REGION))).toContain('join by SSM')
    expect((await written()).main).toEqual(ours.main)
  })
})
