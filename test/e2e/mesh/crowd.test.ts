/** Many VMs that join in the same moment; their agents share one machine and one process, their identities do not. */
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { KubernetesListObject, V1EndpointSlice, V1Service } from '@kubernetes/client-node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { MESH_LABEL } from '../../../src/mesh-names.ts'
import { applyTo } from '../../../src/node/guard/guard.ts'
import type { KubeClient } from '../../../src/node/kube/client.ts'
import { PATH } from '../../../src/node/kube/paths.ts'
import { clientCertificate, serverCa } from '../../support/mesh-lab/bootstrap.ts'
import { register } from '../../support/mesh-lab/kubelet.ts'
import { type MeshLab, startMeshLab } from '../../support/mesh-lab/lab.ts'
import { kubeconfigText } from '../../support/mesh-lab/pki.ts'
import { adminOf, serveModel, startAgents, startReaper } from '../../support/mesh-nodes.ts'

const VMS = Array.from({ length: 20 }, (_, i) => `vm-${i}`)
const CROWD = 'crowd'
const FOLDER = '/etc/crowd'
const ended = new AbortController()
let lab: MeshLab
let admin: KubeClient

beforeAll(async () => {
  // Nobody here has a kubelet, and nobody is to miss it.
  lab = await startMeshLab({ vms: [CROWD], nodeGraceSeconds: 600 })
  admin = await adminOf(lab, ended.signal)
  await applyTo(admin)
  await mkdir(lab.vm(CROWD).file(FOLDER), { recursive: true })
  startReaper(lab)
})

afterAll(async () => {
  ended.abort()
  await lab?.stop()
})

/** A Node of its own identity, whose address is on the machine that all share. */
async function join(vm: string, token: string): Promise<{ nodeName: string; kubeconfig: string }> {
  const nodeName = `${vm}.0.aaaaa`
  const asked = { server: lab.admin.server, token, nodeName, nodeIp: lab.vm(CROWD).address }
  const joining = { ...asked, labels: { [MESH_LABEL.vm]: vm } }
  const ca = await serverCa(joining)
  const { cert, key } = await clientCertificate(joining, ca)
  const cidr = await register({ server: asked.server, ca, cert, key }, joining, vm)
  await lab.vm(CROWD).machine.ip('addr', 'add', cidr.replace('/24', '/32'), 'dev', 'lo')
  const kubeconfig = path.join(FOLDER, vm)
  const parts = { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) }
  await writeFile(lab.vm(CROWD).file(kubeconfig), kubeconfigText({ server: lab.server, ...parts }))
  return { nodeName, kubeconfig }
}

test('twenty that join at once are twenty services', async () => {
  const token = await lab.createToken()
  await serveModel(lab, CROWD, 'any')
  const joined = await Promise.all(VMS.map(vm => join(vm, token)))
  startAgents(
    lab,
    CROWD,
    joined.map(identity => ({ ...identity, models: false })),
  )
  const ready = async () => {
    const { items } = await admin.get<KubernetesListObject<V1EndpointSlice>>(PATH.slice())
    const published = items.filter(({ metadata }) => metadata?.labels?.[MESH_LABEL.vm])
    return published.filter(({ endpoints }) => endpoints?.[0]?.conditions?.ready).map(nameOf)
  }
  await vi.waitFor(async () => expect(new Set(await ready())).toEqual(new Set(VMS)), 60_000)
  const services = async () => {
    const { items } = await admin.get<KubernetesListObject<V1Service>>(PATH.service())
    return items.filter(({ metadata }) => metadata?.labels?.[MESH_LABEL.vm])
  }
  const names = async () => new Set((await services()).map(({ metadata }) => metadata?.name))
  await vi.waitFor(async () => expect(await names()).toEqual(new Set(VMS)), 60_000)
  expect(new Set((await services()).map(({ spec }) => spec?.clusterIP)).size).toBe(VMS.length)
})

function nameOf({ metadata }: V1EndpointSlice): string | undefined {
  return metadata?.labels?.[MESH_LABEL.service]
}
