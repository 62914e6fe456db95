import { Command } from 'commander'
import { afterEach, expect, test, vi } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { templateCommand } from '../../src/cli/template.ts'

afterEach(() => void vi.restoreAllMocks())

async function show(...args: string[]): Promise<string> {
  const out: string[] = []
  vi.spyOn(process.stdout, 'write').mockImplementation(text => out.push(String(text)) > 0)
  const program = new Command().addCommand(templateCommand())
  await program.parseAsync(['node', 'lmrun', 'template', 'show', ...args])
  return out.join('')
}

const RUN = ['--models', 'a: org/a', '--infra', 'aws gcp', '--accelerators', 'L4:4']
const MESH = ['--mesh', 'auto']

test('one document a VM, each with its name', async () => {
  const text = await show(...RUN, ...MESH)
  expect(text.match(/^# (main|client|a)-\w+/gm)).toHaveLength(3)
  const [main, client, server] = parseAllDocuments(text, { version: '1.1' }).map(document => document.toJS())
  expect(main).toMatchObject({ name: 'main', resources: { any_of: [{ infra: 'aws' }, { infra: 'gcp' }] } })
  expect(await show(...RUN)).not.toContain('name: main')
  expect(client).toMatchObject({ name: 'smoke-client', envs: { QUESTIONS: 'smoke' } })
  expect(server).toMatchObject({
    envs: { MODEL: 'org/a' },
    resources: { accelerators: 'L4:4', any_of: [{ infra: 'aws' }, { infra: 'gcp' }] },
  })
  const hub = await show('client', ...RUN, '--questions', 'hub')
  expect(parseAllDocuments(hub, { version: '1.1' })[0]?.toJS()).toMatchObject({
    name: 'livebench-client',
    envs: { QUESTIONS: 'hub', RELEASE: '2024-11-25', BENCHMARK: 'live_bench' },
  })
  expect(await show('client', ...RUN)).not.toContain('name: model-server')
})

test('refuses what has nothing to show', async () => {
  await expect(show('sever', ...RUN)).rejects.toThrow('Give main, client, server')
  await expect(show('--models', 'a: org/a')).rejects.toThrow('local renders nothing')
})
