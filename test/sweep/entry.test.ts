import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { sweepOptionNames } from '../../src/sweep/options.ts'
import { startGcp } from './support/gcp-server.ts'
import { HERE, labelsOf, serveRuns } from './support/world.ts'

const root = path.join(import.meta.dirname, '../..')
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'lmrun-sweep-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** The action's step as a process, with nothing of this one's environment. */
async function runStep(inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>) {
  const output = path.join(folder, `output-${Math.random()}`)
  const summary = `${output}.md`
  await Promise.all([output, summary].map(file => promisify(execFile)('touch', [file])))
  const given = Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])
  const result = await promisify(execFile)(process.execPath, [path.join(root, 'src/sweep.ts')], {
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: summary,
      GITHUB_REPOSITORY: HERE,
      ...Object.fromEntries(given),
      ...env,
    },
  }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    error => ({ code: error.code as number, stdout: String(error.stdout) }),
  )
  return { ...result, output: await readFile(output, 'utf8'), summary: await readFile(summary, 'utf8') }
}

describe('the step of sweep/action.yml', () => {
  it('ends what a dead run left, and says so in outputs and summary', async () => {
    await using github = await serveRuns()
    const zone = 'us-central1-a'
    await using gcp = await startGcp({
      things: [
        { kind: 'instances', zone, name: 'left', labels: labelsOf() },
        { kind: 'instances', zone, name: 'other', labels: labelsOf({ repository: 'acme/other' }) },
      ],
    })
    const { code, stdout, output, summary } = await runStep(
      { sources: 'gcp', 'gcp-project': 'my-project', 'github-token': 'a-github-token' },
      {
        GITHUB_API_URL: github.url,
        CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${gcp.url}/`,
        CLOUDSDK_AUTH_ACCESS_TOKEN: 'a-google-token',
      },
    )
    expect(stdout).toContain('1 ended · 0 left · 0 not ended')
    expect(code).toBe(0)
    expect([...gcp.things.values()].map(({ name }) => name)).toEqual(['other'])
    expect(output).toMatch(/ended<<[\s\S]*\n1\n[\s\S]*failed<<[\s\S]*\n0\n/)
    expect(summary).toContain('| ended | gcp vm | left | us-central1-a | 8 | its run is over |')
    expect(stdout.replaceAll('::add-mask::a-github-token', '')).not.toContain('a-github-token')
  })

  it('fails for bad input, by name', async () => {
    const { code, stdout } = await runStep({ sources: 'azure' }, {})
    expect(code).toBe(1)
    expect(stdout).toContain(
      '::error::input sources: "azure" is not allowed. Give one or more of aws, gcp, sky',
    )
  })

  it('has the inputs that the sweeper reads', async () => {
    const action = parse(await readFile(path.join(root, 'sweep/action.yml'), 'utf8'))
    expect(Object.keys(action.inputs).toSorted()).toEqual([...sweepOptionNames, 'github-token'].toSorted())
    expect(Object.keys(action.outputs)).toEqual(['ended', 'left', 'failed'])
  })
})
