import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { killAll, processesWith } from '../../support/processes.ts'

const run = promisify(execFile)
const root = packageRoot()

/** What a user writes, with the server of the e2e tests instead of real weights, so that it takes seconds. */
const WORKFLOW = `
name: bench
on: push
jobs:
  bench:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - id: lmrun
        uses: ./
        env:
          LMRUN_HOME: \${{ env.HOME_OF_VMS }}
        with:
          models: |
            good:
              model: acme/echo-1
              environment: {NODE: "\${{ env.NODE }}", STAND_IN: "\${{ env.STAND_IN }}"}
            bad:
              model: acme/echo-2
              environment: {NODE: "\${{ env.NODE }}", STAND_IN: "\${{ env.STAND_IN }}", MODE: "\${{ env.BAD_MODE }}"}
          server-template: test/fixtures/templates/fake-server.yaml
          questions: test/fixtures/echo-questions
      - if: always()
        env:
          RESULTS: \${{ steps.lmrun.outputs.results }}
          REPORT: \${{ steps.lmrun.outputs.report }}
          SCORES: \${{ steps.lmrun.outputs.scores }}
          VALID: \${{ steps.lmrun.outputs.valid }}
        run: |
          cp "$RESULTS" "$REPORT" "$KEPT"
          cat > "$KEPT/outputs" <<< "$SCORES $VALID"
`

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-act-'))
  const repo = path.join(folder, 'repo')
  for (const part of ['action.yml', 'package.json', 'dist', 'templates', 'test/fixtures']) {
    await cp(path.join(root, part), path.join(repo, part), { recursive: true })
  }
  await mkdir(path.join(repo, '.github/workflows'), { recursive: true })
  await writeFile(path.join(repo, '.github/workflows/bench.yml'), WORKFLOW)
  const git = (...args: string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: repo })
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '--all', '--force')
  await git('commit', '--quiet', '--message=all')
  await git('remote', 'add', 'origin', 'https://github.com/acme/widgets')
})
afterAll(async () => {
  killAll(processesWith(folder))
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** act from PATH, else the pinned one of scripts/tools.sh. */
async function findAct(): Promise<string> {
  const { stdout } = await run(
    'bash',
    ['-c', 'command -v act || { source scripts/tools.sh && command -v act; }'],
    {
      cwd: root,
    },
  )
  return stdout.trim()
}

/** Runs the workflow on this machine, no container anywhere. */
async function act(badMode: string) {
  const kept = path.join(folder, `kept-${badMode}`)
  const vms = path.join(folder, `vms-${badMode}`)
  await mkdir(kept)
  const job = {
    HOME_OF_VMS: vms,
    KEPT: kept,
    NODE: process.execPath,
    STAND_IN: path.join(root, 'test/support/openai-server.ts'),
    BAD_MODE: badMode,
  }
  const args = [
    'push',
    ...['--platform', 'ubuntu-latest=-self-hosted'],
    ...['--cache-server-addr', '127.0.0.1', '--action-offline-mode', '--no-cache-server'],
    ...Object.entries(job).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
  ]
  const env = {
    ...process.env,
    HOME: folder,
    XDG_CACHE_HOME: path.join(folder, 'cache'),
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH}`,
  }
  const options = { cwd: path.join(folder, 'repo'), env, timeout: 500_000 }
  const ended = await run(await findAct(), args, options).then(
    ({ stdout }) => ({ code: 0, stdout }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      stdout: error.stdout + error.stderr,
    }),
  )
  const read = (name: string) => readFile(path.join(kept, name), 'utf8')
  return { ...ended, read, left: processesWith(vms) }
}

test('a good run: outputs, summary, report and post', async () => {
  const { code, stdout, read, left } = await act('serve')
  expect(code, stdout).toBe(0)
  expect((await read('outputs')).trim()).toBe('{"good":50,"bad":50} true')
  expect(JSON.parse(await read('results.json'))).toMatchObject({ run: { status: 'completed' } })
  expect(await read('report.md')).toContain('LMRun')
  expect(stdout).toMatch(/Summary - .*LMRun/)
  expect(stdout).toMatch(/Post .*Success|Success - Post/)
  expect(left).toEqual([])
})

test('a failing server: the step fails, what is known is out, post runs', async () => {
  const { code, stdout, read, left } = await act('die')
  expect(code, stdout).toBe(1)
  expect((await read('outputs')).trim()).toBe('{"good":50,"bad":null} false')
  expect(await read('report.md')).toContain('CUDA out of memory')
  expect(stdout).toMatch(/Success - Post/)
  expect(left).toEqual([])
})
