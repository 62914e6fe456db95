/** The lab itself: whether it is the mesh that the other tests take it for. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../../support/mesh-lab/api.ts'
import { type JoinedNode, type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import { Machine } from '../../support/mesh-lab/machine.ts'
import { killAll, processesWith } from '../../support/processes.ts'

const PORT = 8000
const NAME = 'qwen-coder.default.svc.cluster.local'
/** Answers with as many bytes as the path says. */
const SERVER = `require('http').createServer((request, response) =>
  response.end('x'.repeat(Number(request.url.slice(1))))).listen(${PORT}, '0.0.0.0', () => console.log('listening'))`
/** Prints how many bytes came, or why none did. */
const CLIENT = `fetch(process.argv[1], { signal: AbortSignal.timeout(Number(process.argv[2])) })
  .then(response => response.text()).then(text => console.log(text.length), error => console.log(error.cause?.code ?? error.name))`
const RESOLVE = `require('dns').lookup(process.argv[1], (error, address) => console.log(error?.code ?? address))`

let lab: MeshLab
let server: JoinedNode

beforeAll(async () => {
  lab = await startMeshLab({ vms: ['qwen-coder', 'client', 'late', 'planned'] })
  server = await lab.joinAs('qwen-coder', { nodeName: 'qwen-coder-0', token: await lab.createToken() })
  await lab.joinAs('client', { nodeName: 'client-0', token: await lab.createToken() })
  await lab.resolveByMesh('client')
  await lab
    .vm('qwen-coder')
    .spawn('node', ['-e', SERVER])
    .saw(/listening/)
}, 180_000)

afterAll(async () => lab?.stop(), 60_000)

async function publish(name: string, node: JoinedNode): Promise<void> {
  const { metadata } = await call(lab.admin, 'GET', `/api/v1/nodes/${node.name}`)
  const owner = { apiVersion: 'v1', kind: 'Node', name: node.name, uid: metadata?.uid }
  const ports = [{ name: 'http', port: PORT, protocol: 'TCP' }]
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, ownerReferences: [owner] },
    spec: { ports },
  }
  await call(lab.admin, 'POST', '/api/v1/namespaces/default/services', service)
  await call(lab.admin, 'POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-0`, labels: { 'kubernetes.io/service-name': name }, ownerReferences: [owner] },
    addressType: 'IPv4',
    ports,
    endpoints: [{ addresses: [node.address], nodeName: node.name, conditions: { ready: true } }],
  })
}

/** What the client VM gets from a URL. */
async function fetched(url: string, ms = 5_000): Promise<string> {
  return (await lab.vm('client').run('node', ['-e', CLIENT, url, String(ms)])).trim()
}

async function resolved(name: string): Promise<string> {
  return (await lab.vm('client').run('node', ['-e', RESOLVE, name])).trim()
}

async function readiness(node: string): Promise<string> {
  const status = '-o=jsonpath={.status.conditions[?(@.type=="Ready")].status}'
  return lab.kubectl('get', 'node', node, status)
}

async function until(seen: () => Promise<boolean>): Promise<void> {
  while (!(await seen())) await sleep(100)
}

test("main's node is the first, and addresses are K3s's", async () => {
  expect(server.address).toMatch(/^10\.42\.\d+\.0$/)
  expect(await lab.kubectl('get', 'node', 'main', '-o=jsonpath={.spec.podCIDR}')).toBe('10.42.0.0/24')
  expect(
    await lab.kubectl('get', 'service', 'kube-dns', '-n=kube-system', '-o=jsonpath={.spec.clusterIP}'),
  ).toBe('10.43.0.10')
})

describe('a port of a VM as a service', () => {
  beforeAll(async () => publish('qwen-coder', server))

  test('resolves by name and is reached from another VM, from main and from the test', async () => {
    await until(async () => (await resolved(NAME)).startsWith('10.43.'))
    await until(async () => (await fetched(`http://${NAME}:${PORT}/2`)) === '2')
    expect(await fetched(`http://qwen-coder:${PORT}/8000000`)).toBe('8000000')
    const port = await lab.main.forward(PORT, server.address)
    expect(await fetch(`http://127.0.0.1:${port}/3`).then(async response => response.text())).toBe('xxx')
  })

  test('a path that is too narrow for its packets loses large answers alone', async () => {
    await lab.setPathMtu('qwen-coder', 1_400)
    expect(await fetched(`http://${NAME}:${PORT}/2`)).toBe('2')
    expect(await fetched(`http://${NAME}:${PORT}/8000000`, 2_000)).toBe('TimeoutError')
    await lab.setPathMtu('qwen-coder', 1_500)
    expect(await fetched(`http://${NAME}:${PORT}/8000000`)).toBe('8000000')
  })

  test('a VM that is cut off is not reached, its node becomes NotReady, and both come back', async () => {
    await lab.cutOff('qwen-coder')
    expect(await fetched(`http://${NAME}:${PORT}/2`, 2_000)).toBe('TimeoutError')
    await until(async () => (await readiness('qwen-coder-0')) === 'Unknown')
    await lab.restore('qwen-coder')
    await until(async () => (await readiness('qwen-coder-0')) === 'True')
    expect(await fetched(`http://${NAME}:${PORT}/2`)).toBe('2')
  })

  test('goes with its node: name, service and route', async () => {
    await lab.kubectl('delete', 'node', 'qwen-coder-0')
    await until(async () => (await resolved(NAME)) === 'ENOTFOUND')
    expect(await lab.kubectl('get', 'service', 'qwen-coder', '--ignore-not-found')).toBe('')
    const routes = async () => lab.vm('client').machine.ip('route')
    await until(async () => !(await routes()).includes(server.podCidr))
  })
})

describe('who may not join', () => {
  const join = async (token: string, nodeName = 'late-0') => lab.joinAs('late', { nodeName, token })

  test('a token of another mesh', async () => {
    const token = (await lab.createToken()).replace(/^K10.{64}/, `K10${'0'.repeat(64)}`)
    await expect(join(token)).rejects.toThrow(/token CA hash does not match/)
  })

  test('a token that is nobody’s, and one that has expired', async () => {
    await expect(join('abcdef.0123456789abcdef')).rejects.toThrow(/401/)
    const token = await lab.createToken({ ttlSeconds: 1 })
    await sleep(1_500)
    await expect(join(token)).rejects.toThrow(/401/)
  })

  test('a VM with the name of a node that another has', async () => {
    await expect(join(await lab.createToken(), 'client-0')).rejects.toThrow(/Node password rejected/)
  })
})

describe('what the product plans', () => {
  const seam = path.join(import.meta.dirname, '../../support/mesh-lab/start-k3s.ts')
  const START = `const { startK3s } = await import(${JSON.stringify(seam)})
    await startK3s(JSON.parse(process.argv[1]), null, AbortSignal.timeout(60_000))`
  const start = async (plan: object) => {
    const args = ['--input-type=module', '--eval', START, JSON.stringify(plan)]
    return lab.vm('planned').run('node', args)
  }
  const plan = async () => ({
    role: 'agent',
    nodeName: 'planned-0',
    unit: 'lmrun-k3s',
    kubeconfig: '/var/lib/rancher/k3s/agent/kubelet.kubeconfig',
    files: [
      { path: '/etc/lmrun/token', mode: 0o600, content: `${await lab.createToken()}\n` },
      {
        path: '/etc/lmrun/config.yaml',
        mode: 0o600,
        content: `server: ${lab.server}
token-file: /etc/lmrun/token
node-name: planned-0
node-external-ip: 203.0.113.7
node-label: [lmrun/run=one, lmrun/vm=planned]
flannel-conf: /etc/lmrun/flannel.json
`,
      },
      {
        path: '/etc/lmrun/flannel.json',
        mode: 0o644,
        content: '{"Network":"10.42.0.0/16","Backend":{"Type":"wireguard","MTU":1380}}',
      },
      {
        path: '/etc/systemd/system/lmrun-k3s.service',
        mode: 0o644,
        content: '[Service]\nExecStart=/usr/local/bin/k3s agent \\\n  --config /etc/lmrun/config.yaml\n',
      },
    ],
  })

  test('is started as its unit says, with its labels, addresses and MTU', async () => {
    await start(await plan())
    expect(await readiness('planned-0')).toBe('True')
    const node = JSON.parse(await lab.kubectl('get', 'node', 'planned-0', '-o=json'))
    expect(node.metadata.labels).toMatchObject({ 'lmrun/run': 'one', 'lmrun/vm': 'planned' })
    expect(node.status.addresses).toContainEqual({ type: 'ExternalIP', address: '203.0.113.7' })
    expect(await lab.vm('planned').machine.ip('link', 'show', 'flannel.1')).toContain('mtu 1330')
  })

  test('a second start changes nothing; one after a crash needs no token any more', async () => {
    const vm = lab.vm('planned')
    const first = await vm.run('cat', ['/run/k3s.pid'])
    await start(await plan())
    expect(await vm.run('cat', ['/run/k3s.pid'])).toBe(first)
    await vm.run('kill', ['-KILL', '--', `-${first}`])
    const { files, ...rest } = await plan()
    const tokenless = files.map(file => (file.path.endsWith('token') ? { ...file, content: 'none' } : file))
    await start({ ...rest, files: tokenless })
    expect(await vm.run('cat', ['/run/k3s.pid'])).not.toBe(first)
  })
})

test('a VM that vanishes is replaced under the same name', async () => {
  const before = await lab.joinAs('late', { nodeName: 'late-1', token: await lab.createToken() })
  await lab.vanish('late')
  expect(await before.k3s.exited).not.toBe(0)
  await lab.addVm('late')
  const after = await lab.joinAs('late', { nodeName: 'late-2', token: await lab.createToken() })
  expect(after.address).not.toBe(before.address)
})

test('what a VM writes to its own folders is its own', async () => {
  const mark = '/etc/rancher/mesh-lab-mark'
  await lab.vm('client').run('touch', [mark, '/run/mesh-lab-mark', '/usr/local/bin/mesh-lab-mark'])
  expect(existsSync(lab.vm('client').file(mark))).toBe(true)
  for (const file of [mark, '/run/mesh-lab-mark', '/usr/local/bin/mesh-lab-mark']) {
    expect(existsSync(file), file).toBe(false)
    expect(existsSync(lab.main.file(file)), file).toBe(false)
  }
})

test('an API server that crashed serves what it did before; compacted history is gone', async () => {
  const path = '/api/v1/namespaces/kube-system/services'
  const before = await call(lab.admin, 'GET', path)
  const watch = `${path}?watch=1&timeoutSeconds=1&resourceVersion=${before.metadata?.resourceVersion}`
  await lab.restartApiServer()
  expect(await lab.kubectl('get', 'service', 'kube-dns', '-n=kube-system', '-o=name')).toBe(
    'service/kube-dns\n',
  )
  await lab.compactHistory()
  expect(await call(lab.admin, 'GET', watch)).toMatchObject({ type: 'ERROR', object: { code: 410 } })
})

test('what is stopped goes with its machine', async () => {
  const logs = await mkdtemp(path.join(tmpdir(), 'lmrun-machine-'))
  try {
    const machine = await Machine.start('stopped', logs)
    const process = machine.spawn('sleep', ['600'])
    await until(async () => /State:\tS/.test(await statusOf(process.pid)))
    process.signal('SIGSTOP')
    const parent = Number(/PPid:\t(\d+)/.exec(await statusOf(process.pid))?.[1])
    await until(async () => /State:\tT/.test(await statusOf(parent)))
    await machine.end()
    await process.exited
  } finally {
    await rm(logs, { recursive: true })
  }
})

test('a second lab stands beside the first, and nothing of it outlives its process', async () => {
  const file = path.join(import.meta.dirname, '../../support/mesh-lab/lab.ts')
  const program = `const { startMeshLab } = await import(${JSON.stringify(file)})
    console.log((await startMeshLab({ vms: [] })).folder)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const folder = await new Promise<string>((resolve, reject) => {
      child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()))
      child.once('exit', code => reject(new Error(`ended with ${code}`)))
    })
    expect(processesWith(folder).length).toBeGreaterThan(3)
    child.kill('SIGKILL')
    await until(async () => processesWith(folder).length === 0)
    await using _next = await startMeshLab({ vms: [] })
    expect(existsSync(folder)).toBe(false)
    expect(await readiness('client-0')).toBe('True')
  } finally {
    killAll([{ pid: child.pid ?? 0, command: '' }])
  }
})

function statusOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/status`, 'utf8')
}
