/** `lmrun mesh up`, `status` and `down` against a real API server; VMs come from a fleet that is the lab. */
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { packageRoot } from '../../../src/env.ts'
import { LaunchFailed } from '../../../src/fleet/failures.ts'
import type { JobState, LaunchRequest, VmInfo } from '../../../src/fleet/fleet.ts'
import { meshDown } from '../../../src/mesh-down.ts'
import type { Reachable } from '../../../src/mesh-main.ts'
import { KUBECONFIG_FILE } from '../../../src/mesh-names.ts'
import { mainRequest, meshUp } from '../../../src/mesh-up.ts'
import { createRun } from '../../../src/run.ts'
import { type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import { furnishMesh, kubeconfigOf, MAIN, putNode, putSlice } from '../../support/mesh-runner.ts'

const execute = promisify(execFile)
const NOW = Date.UTC(2026, 0, 1)
const DAY = 86_400_000
const signal = new AbortController().signal
let lab: MeshLab
let kubeconfig: string
let fleet: LabFleet
let told: string[]

beforeAll(async () => {
  lab = await startMeshLab({ vms: ['one'] })
  await furnishMesh(lab)
  const file = lab.main.file('/var/lib/lab-home')
  kubeconfig = path.join(file, KUBECONFIG_FILE)
})
afterAll(() => lab?.stop())

beforeEach(() => {
  fleet = new LabFleet()
  told = []
})

/** One VM, which is the lab's main once its job has ended. */
class LabFleet {
  readonly kind = 'sky'
  readonly calls: string[] = []
  readonly vms: VmInfo[] = []
  readonly failures: Error[] = []
  end: JobState = { status: 'SUCCEEDED', exitCode: 0 }
  request: LaunchRequest | undefined
  open = 0

  async list() {
    return this.vms
  }
  async preflight() {
    return { checks: [], offers: [{ vm: 'main', hourly: 0.05, spot: false, what: 'AWS t3.medium' }] }
  }
  async launch(request: LaunchRequest) {
    this.calls.push(`launch ${request.name} ${request.leaseMinutes}`)
    this.request = request
    const failure = this.failures.shift()
    if (failure) throw failure
    this.vms.push(vmInfo(request.name, request.labels))
    return { vm: request.name, id: 1 }
  }
  async jobEnd() {
    if (this.end.status === 'SUCCEEDED') await becomeMain()
    return this.end
  }
  async tailLog() {
    return ['k3s: no space left on device']
  }
  async down(names: readonly string[]) {
    this.calls.push(`down ${names.join(' ')}`)
    this.vms.splice(0)
    return names.map(name => ({ name, verified: true as const }))
  }
  async renewLease(names: readonly string[], minutes: number) {
    this.calls.push(`renew ${names.join(' ')} ${minutes}`)
  }
  async prices(names: readonly string[]) {
    return new Map(names.map(name => [name, { hourly: 0.05, spot: false, what: 'AWS t3.medium' }]))
  }
  async run(_vm: string, script: string) {
    try {
      return { exitCode: 0, stdout: await lab.main.run('bash', ['-c', script]), stderr: '' }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { exitCode: code, stdout, stderr }
    }
  }
  async tunnel(_vm: string, port: number) {
    this.open += 1
    const close = async () => {
      this.open -= 1
    }
    return { host: '127.0.0.1', port: await lab.main.forward(port), [Symbol.asyncDispose]: close }
  }
  async hand() {}
  get asFleet(): Reachable {
    return this as unknown as Reachable
  }
}

function vmInfo(name: string, labels: Readonly<Record<string, string>> = {}): VmInfo {
  return { name, status: 'UP', labels, launchedAt: NOW, expiresAt: null }
}

async function becomeMain(): Promise<void> {
  await mkdir(path.dirname(kubeconfig), { recursive: true })
  await writeFile(kubeconfig, await kubeconfigOf(lab, { server: 'https://127.0.0.1:6443' }))
}

/** Now stands still, and no pause takes any time. */
const clock = { ...systemClock, now: () => NOW, sleep: async () => {} }
const deps = () => ({ fleet: fleet.asFleet, clock, signal, log: (line: string) => void told.push(line) })
const request = (leaseMinutes = '1440') =>
  mainRequest({ name: 'main', infra: 'aws', leaseMinutes }, { env: {}, run: createRun({}), now: NOW })

describe('lmrun mesh up', () => {
  beforeEach(() => rm(kubeconfig, { force: true }))

  test('launches a main, and is done when VMs can join', async () => {
    expect(await meshUp(request(), deps())).toEqual({
      main: MAIN,
      adopted: false,
      expiresAt: NOW + DAY,
      price: { hourly: 0.05, spot: false, what: 'AWS t3.medium' },
    })
    expect(fleet.calls).toEqual(['launch main 1440'])
    expect(told).toEqual([
      'main will be AWS t3.medium: $0.05 an hour',
      'main is up, and becomes a main node: a minute or two',
    ])
    expect(fleet.open).toBe(0)
  })

  test('again: the one that is up is used, and its lease begins anew, with what that means to a sweeper', async () => {
    await meshUp(request(), deps())
    await meshUp(request('1440'), deps())
    expect(fleet.calls).toEqual(['launch main 1440', 'renew main 1440'])
    expect(told).toHaveLength(3)
    await meshUp(request('2880'), deps())
    expect(told.at(-1)).toContain('that ends main from 2026-01-02 00:10 UTC on when no run is live')
  })

  test('leaves the lease of a main alone that was launched by hand', async () => {
    fleet.vms.push(vmInfo('main'))
    await becomeMain()
    expect(await meshUp(request(), deps())).toMatchObject({ adopted: true, expiresAt: null })
    expect(fleet.calls).toEqual([])
  })

  test('takes no VM for a main that is none, and ends it only when it launched it', async () => {
    fleet.vms.push(vmInfo('main'))
    await expect(meshUp(request(), deps())).rejects.toThrow(
      'main is no main node of a mesh, or not yet: cat: ',
    )
    expect(fleet.calls).toEqual([])
    fleet = new LabFleet()
    fleet.end = { status: 'FAILED_SETUP', exitCode: 1 }
    await expect(meshUp(request(), deps())).rejects.toThrow('failed in its setup (exit code 1)')
    expect(fleet.calls).toEqual(['launch main 1440', 'down main'])
  })

  test('launches again what another try may give, and no more often than that', async () => {
    fleet.failures.push(new LaunchFailed('main', 'capacity', { log: [] }))
    await meshUp(request(), deps())
    expect(fleet.calls).toEqual(['launch main 1440', 'down main', 'launch main 1440'])
    fleet = new LabFleet()
    for (let n = 0; n < 9; n++) fleet.failures.push(new LaunchFailed('main', 'capacity', { log: [] }))
    await expect(meshUp(request(), deps())).rejects.toBeInstanceOf(LaunchFailed)
    expect(fleet.calls.filter(call => call.startsWith('launch'))).toHaveLength(3)
    expect(fleet.calls.at(-1)).toBe('down main')
  })

  test('does not touch one that is coming or going', async () => {
    fleet.vms.push({ ...vmInfo('main'), status: 'STARTING' })
    await expect(meshUp(request(), deps())).rejects.toThrow(
      'a VM called main is there already, and it is STARTING',
    )
    expect(fleet.calls).toEqual([])
  })
})

describe('lmrun mesh down', () => {
  const down = (sure = false) => meshDown('main', { sure }, deps())

  beforeEach(async () => {
    fleet.vms.push(vmInfo('main'))
    await becomeMain()
    await lab.kubectl('label', 'node', 'main', 'lmrun-mesh-role=main', '--overwrite')
  })

  test('ends main when nobody else is in', async () => {
    expect(await down()).toEqual({ name: 'main', verified: true })
    expect(told).toEqual(['no VM is in the mesh but main'])
    expect(fleet.calls).toEqual(['down main'])
    expect(fleet.open).toBe(0)
  })

  test('is done when there is none', async () => {
    fleet.vms.splice(0)
    expect(await down()).toEqual({ name: 'main', verified: true })
    expect(fleet.calls).toEqual([])
  })

  test('says who is in, and ends main then only when that is said to be meant', async () => {
    await putNode(lab, 'qwen-aaaaa.0.11111', {
      'lmrun-vm': 'qwen-aaaaa',
      'lmrun-mesh-role': 'vm',
      'lmrun-run': '11',
    })
    await expect(down()).rejects.toThrow('main was not ended')
    expect(fleet.calls).toEqual([])
    expect(told.slice(1)).toEqual(['  qwen-aaaaa of run 11'])
    expect(await down(true)).toEqual({ name: 'main', verified: true })
    expect(fleet.calls).toEqual(['down main'])
    await lab.kubectl('delete', 'node', 'qwen-aaaaa.0.11111')
  })

  test('does not end a main whose mesh cannot be asked, unless that is meant', async () => {
    await rm(kubeconfig)
    await expect(down()).rejects.toThrow('main was not ended')
    expect(told[0]).toMatch(/^which VMs are in the mesh cannot be told: main is no main node/)
    expect(await down(true)).toEqual({ name: 'main', verified: true })
  })
})

describe('lmrun mesh status', () => {
  const cli = path.join(packageRoot(), 'src/cli.ts')
  const status = (...args: string[]) => execute(process.execPath, [cli, 'mesh', 'status', ...args])

  test('shows a real mesh by its kubeconfig, as table, picture and JSON', async () => {
    await lab.kubectl('label', 'node', 'main', 'lmrun-mesh-role=main', '--overwrite')
    await lab.joinAs('one', {
      nodeName: 'one.0.aaaaa',
      token: await lab.createToken(),
      flags: ['--node-label=lmrun-vm=one', '--node-label=topology.kubernetes.io/region=us-west-1'],
    })
    await putSlice(lab, { service: 'one', ready: true })
    await lab.kubectl('create', 'service', 'clusterip', 'one', '--tcp=8000')
    await lab.kubectl('label', 'service', 'one', 'lmrun-vm=one')
    const { stdout } = await status('--kubeconfig', lab.adminKubeconfig, '--format', 'json')
    const { main, nodes, services } = JSON.parse(stdout)
    expect(main).toEqual(MAIN)
    expect(nodes).toMatchObject([
      { name: 'main', role: 'main', region: 'us-east-1', kubelet: 'ready', address: '10.42.0.0' },
      { name: 'one.0.aaaaa', vm: 'one', role: 'vm', region: 'us-west-1', kubelet: 'ready', beatAge: null },
    ])
    expect(services).toMatchObject([{ name: 'one', ports: [8000], ready: ['one.0.aaaaa'] }])
    const table = await status('--kubeconfig', lab.adminKubeconfig)
    expect(table.stderr).toBe('')
    expect(table.stdout).toMatch(/^Mesh main: aws us-east-1, 10\.64\.0\.5:6443\n/)
    expect(table.stdout).toMatch(/http:\/\/one\.default\.svc\.cluster\.local:8000 +1 of 1 +10\.43\./)
    const picture = await status('--kubeconfig', lab.adminKubeconfig, '--format', 'mermaid')
    expect(picture.stdout).toMatch(/^flowchart LR\n[\s\S]*s0 --> n1\n$/)
  })

  test('refuses two meshes at once, and says what is no mesh', async () => {
    await expect(status('--main', 'a', '--kubeconfig', 'b')).rejects.toMatchObject({ code: 2 })
    await lab.kubectl('delete', 'configmap', 'lmrun-main', '--namespace=lmrun')
    await expect(status('--kubeconfig', lab.adminKubeconfig)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no mesh'),
    })
  })
})
