import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { startOpenAiServer } from '../../support/openai-server.ts'
import { Scene } from './scene.ts'

/** Programs that everybody can read: a python in somebody's home is not there for who grades. */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

function walls(): string {
  if (!existsSync('/usr/bin/python3')) return 'none'
  const apart = path.join(packageRoot(), 'templates/client/apart.sh')
  try {
    return execFileSync('bash', [apart, '--check'], { env: { ...process.env, PATH }, stdio: 'pipe' })
      .toString()
      .trim()
  } catch {
    return 'none'
  }
}

/** What grading says that it sees. */
async function grade(options: { walls: boolean }): Promise<string> {
  await using server = await startOpenAiServer({ alias: 'm', behave: () => ({ kind: 'json' }) })
  await using scene = await Scene.create({ port: server.port }, options)
  const envs = await scene.prepare([{ id: 'a' }, { id: 'b' }], { PATH: `${scene.home}/bin:${PATH}` })
  const run = (step: string) =>
    scene.run({ ...envs, STEP: step, API_BASE: server.apiBase, LIVEBENCH_API_KEY: 'sk-x' })
  expect(await run('answer')).toMatchObject({ code: 0 })
  const graded = await run('grade')
  expect(graded, graded.out + graded.err).toMatchObject({ code: 0 })
  expect(graded.out).toContain('2 expected, 2 scored')
  return scene.read('sky_workdir/data/runs/m/gen_judgment.stdout')
}

// The walls themselves are tested on machines made for it; here, that LiveBench can work behind them.
test.skipIf(!['namespaces', 'own'].includes(walls()))('LiveBench grades behind real walls', async () => {
  const seen = await grade({ walls: true })
  expect(seen).toContain('sees: no network')
  expect(seen).not.toContain('LIVEBENCH_API_KEY')
  expect(await grade({ walls: false })).toContain('sees: network')
})
