/**
 * The mesh on real Kubernetes components in namespaces of this machine (Debian, root, Go; see docs/testing.md):
 * from a model server's first healthy answer until the runner's wait returns, beside `kubectl wait` and a poll every
 * 2 s; a service's data path beside an nginx hop in between; what an idle agent takes.
 *
 *   node bench/mesh.ts [rounds of waiting] [seconds of each load]
 */
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock as clock } from '../src/clock.ts'
import { packageRoot } from '../src/env.ts'
import { connectKube, type Kube } from '../src/mesh/kube.ts'
import { waitForEndpoint } from '../src/mesh/ready.ts'
import { applyTo } from '../src/node/guard/guard.ts'
import { AT } from '../src/node/paths.ts'
import type { AgentState } from '../src/node/state.ts'
import { type MeshLab, startMeshLab } from '../test/support/mesh-lab/lab.ts'
import type { MachineProcess } from '../test/support/mesh-lab/machine.ts'
import { adminOf, joinVm, KUBELET, startReaper } from '../test/support/mesh-nodes.ts'
import { kubeconfigOf } from '../test/support/mesh-runner.ts'
import { backend, findTools, hop } from './mesh-tools.ts'

/** A model server that can be made healthy, and knows since when it is, and when it first said so: to its agent. */
const SWITCHED = `let healthy = false; let since = 0; let first = 0
require('http').createServer(({ url }, response) => {
  if (url === '/on') { healthy = true; since = Date.now(); first = 0 }
  if (url === '/off') healthy = false
  if (url === '/health') { response.statusCode = healthy ? 200 : 503; if (healthy) first ||= Date.now() }
  response.end(url === '/first' ? JSON.stringify({ since, first }) : '{"data":[{"id":"waited"}]}')
}).listen(8000, '0.0.0.0', () => console.log('listening'))`

const SLICE = { namespace: 'default', name: 'waited.0.aaaaa' }
const BULK_MB = 64

const rounds = Number(process.argv[2] ?? 30)
const seconds = Number(process.argv[3] ?? 5)
const { signal, abort } = stopper()
const root = packageRoot()
const folder = await mkdtemp(path.join(tmpdir(), 'lmrun-bench-mesh-'))
let lab: MeshLab | undefined
try {
  spawnSync(process.execPath, [path.join(root, 'test/support/mesh-lab/build.ts')], { stdio: 'inherit' })
  const tools = findTools(path.join(folder, 'tools'))
  lab = await startMeshLab({ vms: ['waited', 'data', 'hop', 'client'] })
  await applyTo(await adminOf(lab, signal))
  for (const vm of ['waited', 'data', 'hop', 'client']) await joinVm(lab, vm, `${vm}.0.aaaaa`)
  startReaper(lab)
  console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)} before it`)
  await waiting(lab)
  await dataPath(lab, tools)
} finally {
  abort()
  await lab?.stop()
  await rm(folder, { recursive: true, force: true })
}

function stopper() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort() }
}

/** As its unit does on a VM: the built program, by what `k3s_agent` has written down. */
async function startAgent(lab: MeshLab, vm: string): Promise<MachineProcess> {
  const publish = { ports: [{ name: 'http', port: 8000 }], health: '/health', headless: false }
  const common = { kubeconfig: KUBELET, publish, ranks: 'head', models: true, apiKeyFile: null } as const
  const state: AgentState = { nodeName: `${vm}.0.aaaaa`, ...common, mesh: 'main', interface: 'eth0' }
  const file = lab.vm(vm).file(AT.agent)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, JSON.stringify(state))
  return lab
    .vm(vm)
    .spawn('node', ['--max-old-space-size=96', path.join(root, 'dist/node/index.js'), 'run-agent'])
}

async function waiting(lab: MeshLab): Promise<void> {
  const server = lab.vm('waited').spawn('node', ['-e', SWITCHED])
  await server.saw(/listening/)
  const agent = await startAgent(lab, 'waited')
  const base = `http://127.0.0.1:${await lab.vm('waited').forward(8000)}`
  const kube = await connectKube(await kubeconfigOf(lab))
  const ways = {
    'the runner': () => waitForEndpoint(kube, 'waited', { signal, deadlineMs: 60_000, clock }),
    'kubectl wait': () => kubectlWait(lab),
    'a poll every 2 s': () => poll(kube),
  }
  const times: Record<string, { since: number; first: number }[]> = Object.fromEntries(
    Object.keys(ways).map(way => [way, []]),
  )
  for (let round = 0; round <= rounds; round++) {
    await fetch(`${base}/off`)
    while (await isReady(kube).catch(() => true)) await sleep(50)
    const ended = Object.entries(ways).map(async ([way, wait]) => {
      await wait()
      return [way, Date.now()] as const
    })
    // All wait by now, the poll at any moment between two of its looks.
    await sleep(2000 + Math.random() * 2000)
    await fetch(`${base}/on`)
    const all = await Promise.all(ended)
    const { since, first } = (await (await fetch(`${base}/first`)).json()) as { since: number; first: number }
    // The slice is made in the first one.
    if (round > 0) for (const [way, at] of all) times[way]?.push({ since: at - since, first: at - first })
  }
  const parts = (all: readonly number[]) => [0.5, 0.99].map(part => quantile(all, part).toFixed(0))
  print(
    ['who waits', 'p50 (ms)', 'p99 (ms)', 'since it is healthy: p50', 'p99'],
    Object.entries(times).map(([way, all]) => [
      way,
      ...parts(all.map(({ first }) => first)),
      ...parts(all.map(({ since }) => since)),
    ]),
  )
  await agent.end()
  await server.end()
}

async function isReady({ discovery }: Kube): Promise<boolean> {
  const slice = await discovery.readNamespacedEndpointSlice(SLICE)
  return slice.endpoints?.[0]?.conditions?.ready === true
}

async function poll(kube: Kube): Promise<void> {
  while (!(await isReady(kube).catch(() => false))) await sleep(2000)
}

async function kubectlWait(lab: MeshLab): Promise<void> {
  const what = ['--for=jsonpath={.endpoints[0].conditions.ready}=true', `endpointslice/${SLICE.name}`]
  // It refuses to wait for what is not there yet.
  await untilDone(() => lab.kubectl('wait', '--timeout=60s', ...what), 500)
}

/** Tries again, `everyMs` after a failure, until it works. */
async function untilDone(work: () => Promise<unknown>, everyMs: number): Promise<void> {
  for (;;) {
    try {
      await work()
      return
    } catch {
      await sleep(everyMs)
    }
  }
}

async function dataPath(lab: MeshLab, tools: ReturnType<typeof findTools>): Promise<void> {
  const files = '/var/lib/bench'
  await lab.vm('data').run('sh', ['-c', `mkdir -p ${files} && head -c ${BULK_MB}M /dev/zero > ${files}/bulk`])
  await nginx(lab, 'data', backend('data', files), tools)
  const agent = await startAgent(lab, 'data')
  const kube = await connectKube(await kubeconfigOf(lab))
  await waitForEndpoint(kube, 'data', { signal, deadlineMs: 60_000, clock })
  for (const vm of ['hop', 'client']) await lab.resolveByMesh(vm)
  const service = 'data.default.svc.cluster.local:8000'
  await nginx(lab, 'hop', hop(service), tools)
  const { podCIDR = '' } = (await kube.core.readNode({ name: 'hop.0.aaaaa' })).spec ?? {}
  const between = podCIDR.replace(/\/.*/, '')
  const ways = {
    'the service': `http://${service}`,
    'nginx, connections kept': `http://${between}:8002`,
    'nginx, as it is by default': `http://${between}:8001`,
  }
  const rows: string[][] = []
  let own = [0, 0, 0]
  for (const [way, base] of Object.entries(ways)) {
    // What is ready is known to each machine's kube-proxy a moment later.
    await untilDone(() => lab.vm('client').run('node', ['-e', `fetch('${base}/small')`]), 100)
    const load = (what: string, connections: number) =>
      wrk(lab, tools, ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', `${base}/${what}`])
    const latency = numberIn(await load('small', 1), /50%\s+([\d.]+)(us|ms|s)/)
    const rate = numberIn(await load('small', 32), /Requests\/sec:\s+([\d.]+)()/)
    const bulk = numberIn(await load('bulk', 1), /Transfer\/sec:\s+([\d.]+)(KB|MB|GB)/)
    if (rows.length === 0) own = [latency, rate, bulk]
    const [l = 0, r = 0, b = 0] = own
    const ratios = [latency / l, r / rate, b / bulk].map(one => one.toFixed(2))
    rows.push([way, latency.toFixed(0), rate.toFixed(0), bulk.toFixed(0), ...ratios])
  }
  print(['way', 'p50 (µs)', 'requests/s, c=32', 'MB/s', 'latency ÷', 'requests/s ×', 'MB/s ×'], rows)
  await idle(agent)
}

async function nginx(
  lab: MeshLab,
  vm: string,
  conf: string,
  tools: ReturnType<typeof findTools>,
): Promise<void> {
  await writeFile(lab.vm(vm).file('/run/nginx.conf'), conf)
  lab.vm(vm).spawn(tools.nginx, ['-c', '/run/nginx.conf'], { env: tools.env })
  while (
    !(await lab
      .vm(vm)
      .run('cat', ['/run/nginx.pid'])
      .catch(() => ''))
  )
    await sleep(50)
}

async function wrk(
  lab: MeshLab,
  tools: ReturnType<typeof findTools>,
  args: readonly string[],
): Promise<string> {
  const said = await lab.vm('client').run(tools.wrk, args, { env: tools.env })
  // Slow answers are what is measured; others are none.
  if (/Non-2xx|Socket errors: (?!connect 0, read 0, write 0)/.test(said)) throw new Error(said)
  return said
}

/** Microseconds, requests, or MB. */
function numberIn(text: string, pattern: RegExp): number {
  const [, number, unit = ''] = pattern.exec(text) ?? []
  if (number === undefined) throw new Error(`no ${pattern} in:\n${text}`)
  const factor = { us: 1, ms: 1e3, s: 1e6, KB: 1 / 1024, MB: 1, GB: 1024 }[unit] ?? 1
  return Number(number) * factor
}

/** An agent whose service is ready and stays so. */
async function idle(agent: MachineProcess): Promise<void> {
  const read = (name: string) => readFile(`/proc/${agent.pid}/${name}`, 'utf8')
  const ticks = async () => {
    const fields = (await read('stat')).replace(/^.*\) /, '').split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  const before = await ticks()
  const forSeconds = 30
  await sleep(forSeconds * 1000)
  const cpu = (await ticks()) - before
  const rss = Number(/VmRSS:\s+(\d+)/.exec(await read('status'))?.[1]) / 1024
  // Linux counts in hundredths of a second.
  print(
    ['agent', 'RSS (MB)', 'of a core, idle'],
    [['', rss.toFixed(0), `${(cpu / forSeconds).toFixed(2)} %`]],
  )
}

function quantile(all: readonly number[], part: number): number {
  const sorted = all.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN
}

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const rule = line(head.map((_, column) => (column === 0 ? '---' : '--:')))
  console.log(`\n${[line(head), rule, ...rows.map(line)].join('\n')}`)
}
