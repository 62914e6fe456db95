import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findOrInstallSky } from '../../../src/fleet/sky/install.ts'

let home: string
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'lmrun-sky-install-'))
})
afterAll(() => rm(home, { recursive: true, force: true }))

it('installs a SkyPilot that says its version, and finds it again', async () => {
  const log: string[] = []
  const options = {
    infra: ['slurm/lab'],
    // No sky of this machine: its folder of tools is left out where it has one.
    env: { ...process.env, PATH: await pathWithoutSky(), LMRUN_HOME: home, GITHUB_ACTIONS: 'false' },
    log: (line: string) => void log.push(line),
    warn: (text: string) => void log.push(text),
    signal: AbortSignal.timeout(580_000),
  }
  const installed = await findOrInstallSky(options)
  const { stdout } = await promisify(execFile)(installed.bin, ['--version'], {
    env: { ...process.env, HOME: home },
  })
  expect(stdout).toContain(`version ${installed.version}`)
  expect(await findOrInstallSky(options)).toEqual(installed)
  expect(log.filter(line => line.startsWith('Installing SkyPilot'))).toHaveLength(1)
})

async function pathWithoutSky(): Promise<string> {
  const { access } = await import('node:fs/promises')
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  const has = await Promise.all(
    folders.map(folder =>
      access(path.join(folder, 'sky')).then(
        () => true,
        () => false,
      ),
    ),
  )
  return folders.filter((_, index) => !has[index]).join(path.delimiter)
}
