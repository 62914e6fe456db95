import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import { kubeconfigSecrets, readKubeconfig } from '../../src/kubeconfig.ts'
import { connectKube } from '../../src/mesh/kube.ts'
import { throughTunnel } from '../../src/mesh/kubeconfig.ts'

/** As K3s writes it. */
const K3S = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: Q0E=
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    token: t
`
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-kubeconfig-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('is taken from a file or as it is', async () => {
  const file = path.join(folder, 'config')
  await writeFile(file, K3S)
  expect(await readKubeconfig(file, 'input')).toBe(K3S)
  expect(await readKubeconfig(K3S, 'input')).toBe(K3S)
  const none = path.join(folder, 'none')
  await expect(readKubeconfig(none, '--kubeconfig')).rejects.toThrow(
    `--kubeconfig: cannot be read: ENOENT: no such file or directory, open '${none}'. Give the path of a kubeconfig`,
  )
})

it('is no path that is shown when it is JSON on one line, and its secrets are known', async () => {
  const yaml = K3S.replace('    token: t\n', "    token: 'T0ken'\n    client-key-data: S0VZ==\n")
  const json = JSON.stringify(parse(yaml))
  expect(await readKubeconfig(json, 'input')).toBe(json)
  for (const text of [yaml, json]) expect(kubeconfigSecrets(text)).toEqual(['T0ken', 'S0VZ=='])
  expect(kubeconfigSecrets('/some/token: x')).toEqual([])
})

it('leads through a tunnel, and is the same but for that', async () => {
  const tunnelled = throughTunnel(K3S, { host: '127.0.0.1', port: 40123 })
  expect(parse(tunnelled).clusters[0].cluster.server).toBe('https://127.0.0.1:40123')
  expect(parse(tunnelled.replace('40123', '6443'))).toEqual(parse(K3S))
  const { server, ca } = await connectKube(tunnelled)
  expect([server, String(ca)]).toEqual(['https://127.0.0.1:40123', 'CA'])
})

it('has the CA in it, whose hash tokens name', async () => {
  await expect(connectKube(K3S.replace(/.*authority-data.*\n/, ''))).rejects.toThrow(
    'no certificate-authority-data',
  )
})
