import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { withNames } from '../../../src/node/host/hosts-file.ts'
import { hasResolved, namesOf, writeNames } from '../../../src/node/host/names.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lmrun-names-'))
  await mkdir(path.join(root, 'etc'))
})
afterEach(() => rm(root, { recursive: true }))

const vm = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?$/)
const names = fc
  .array(fc.tuple(vm, fc.ipV4()), { maxLength: 5 })
  .map(all => new Map(all.map(([name, ip]) => [`${name}.default.svc.cluster.local`, ip])))
const hosts = fc
  .array(fc.constantFrom('127.0.0.1 localhost', '::1 ip6-localhost', '# a word', '', '10.0.0.1 db'))
  .map(lines => (lines.length > 0 ? `${lines.join('\n')}\n` : ''))

it('leaves all but its own block as it is, whatever it was before', () => {
  fc.assert(
    fc.property(hosts, names, names, (text, first, second) => {
      const once = withNames(text, first)
      const twice = withNames(once, second)
      expect(withNames(once, first)).toBe(once)
      expect(twice).toBe(withNames(text, second))
      expect(withNames(twice, new Map())).toBe(text)
    }),
  )
})

it('mends a block that was cut off, without the end of the file', () => {
  const names = new Map([['a.default.svc.cluster.local', '10.43.0.7']])
  const whole = withNames('127.0.0.1 localhost\n', names)
  const cut = whole.replace('# END lmrun\n', '10.0.0.1 db\n')
  expect(withNames(cut, new Map())).toBe('127.0.0.1 localhost\n10.0.0.1 db\n')
})

it('a file without an end of line gets one', () => {
  const names = new Map([['a.default.svc.cluster.local', '10.43.0.7']])
  expect(withNames('127.0.0.1 localhost', names)).toMatch(/^127\.0\.0\.1 localhost\n# BEGIN/)
})

it('writes only what is not so already', async () => {
  const file = path.join(root, 'etc/hosts')
  await writeFile(file, '127.0.0.1 localhost\n')
  const names = new Map([['a.default.svc.cluster.local', '10.43.0.7']])
  expect(await writeNames(file, names)).toBe(true)
  expect(await writeNames(file, names)).toBe(false)
  expect(await readFile(file, 'utf8')).toContain('\n10.43.0.7 a.default.svc.cluster.local\n')
})

it('knows the mesh’s own services that have an address', () => {
  const service = (name: string, clusterIP: string, ours = true) => ({
    metadata: { name, labels: ours ? { 'lmrun-vm': name } : {} },
    spec: { clusterIP },
  })
  const all = [service('a', '10.43.0.7'), service('b', 'None'), service('kubernetes', '10.43.0.1', false)]
  expect([...namesOf(all)]).toEqual([['a.default.svc.cluster.local', '10.43.0.7']])
})

it('systemd-resolved is at work where it is asked', async () => {
  const conf = path.join(root, 'etc/resolv.conf')
  await writeFile(conf, 'nameserver 127.0.0.53\noptions edns0\n')
  expect(await hasResolved(root)).toBe(false)
  await mkdir(path.join(root, 'run/systemd/resolve'), { recursive: true })
  expect(await hasResolved(root)).toBe(true)
  await writeFile(conf, 'nameserver 10.0.0.2\n')
  expect(await hasResolved(root)).toBe(false)
})
