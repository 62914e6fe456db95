import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { readKubeconfig } from '../../../src/node/kube/config.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lmrun-kubeconfig-'))
  for (const name of ['ca.crt', 'me.crt', 'me.key'])
    await writeFile(path.join(folder, name), `PEM of ${name}`)
})
afterAll(async () => rm(folder, { recursive: true }))

async function read(cluster: object, user: object, more: object = {}) {
  const file = path.join(folder, 'kubeconfig')
  const config = {
    'current-context': 'here',
    contexts: [
      { name: 'elsewhere', context: { cluster: 'x', user: 'x' } },
      { name: 'here', context: { cluster: 'c', user: 'u' } },
    ],
    clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6444', ...cluster } }],
    users: [{ name: 'u', user }],
    ...more,
  }
  await writeFile(file, stringify(config))
  return readKubeconfig(file)
}

const data = (text: string) => Buffer.from(text).toString('base64')

describe('a kubeconfig', () => {
  test('of a kubelet has files, beside it or anywhere', async () => {
    const user = { 'client-certificate': 'me.crt', 'client-key': path.join(folder, 'me.key') }
    expect(await read({ 'certificate-authority': 'ca.crt' }, user)).toEqual({
      server: 'https://127.0.0.1:6444',
      ca: 'PEM of ca.crt',
      cert: 'PEM of me.crt',
      key: 'PEM of me.key',
    })
  })

  test('of main’s admin has them inside', async () => {
    const user = { 'client-certificate-data': data('cert'), 'client-key-data': data('key') }
    expect(await read({ 'certificate-authority-data': data('ca') }, user)).toMatchObject({
      ca: 'ca',
      cert: 'cert',
      key: 'key',
    })
  })

  test.for([
    ['no key', { 'client-certificate': 'me.crt' }, {}, /has no client-key/],
    [
      'a file that is not there',
      { 'client-certificate': 'gone.crt', 'client-key': 'me.key' },
      {},
      /gone\.crt/,
    ],
    ['no context', {}, { 'current-context': 'nowhere' }, /has no context nowhere/],
    ['no users', {}, { users: 7 }, /has no user u/],
  ] as const)('with %s is refused, with where it comes from', async ([, user, more, why]) => {
    const refusal = expect(read({ 'certificate-authority': 'ca.crt' }, user, more)).rejects
    await refusal.toMatchObject({ name: 'LmrunError', cause: { message: expect.stringMatching(why) } })
  })

  test('that is none is refused', async () => {
    await writeFile(path.join(folder, 'text'), 'hello')
    await expect(readKubeconfig(path.join(folder, 'text'))).rejects.toThrow(/is no kubeconfig/)
    await expect(readKubeconfig(path.join(folder, 'absent'))).rejects.toThrow(/is no kubeconfig/)
  })
})
