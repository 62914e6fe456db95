import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { uploadArtifact } from '../../src/report/artifact.ts'
import { type ResultsServiceOptions, startResultsService } from '../support/results-service.ts'

afterEach(() => vi.unstubAllEnvs())

/** The client reads the process's own environment, so that is what the runner's variables go to. */
async function upload(
  options: ResultsServiceOptions & { readonly serverUrl?: string; readonly again?: true } = {},
) {
  await using service = await startResultsService(options)
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'lmrun-artifact-'))
  const { serverUrl = 'https://github.com', again } = options
  for (const [name, value] of Object.entries({ ...service.env, GITHUB_SERVER_URL: serverUrl }))
    vi.stubEnv(name, value)
  vi.stubEnv('GITHUB_WORKSPACE', folder.path)
  const file = path.join(folder.path, 'report.md')
  await writeFile(file, '# A report\n')
  const request = { name: 'lmrun-1', files: [file], root: folder.path, signal: AbortSignal.timeout(100_000) }
  if (again) await uploadArtifact(request)
  const outcome = await uploadArtifact(request)
  return { outcome, stored: service.artifacts.get('lmrun-1'), kept: await readFile(file, 'utf8') }
}

test('uploads the files', async () => {
  const { outcome, stored } = await upload()
  expect(outcome).toMatchObject({ uploaded: true, id: 1, bytes: stored?.bytes.length })
  expect(stored?.bytes.includes('report.md')).toBe(true)
})

test.each([
  [
    'on GitHub Enterprise Server',
    { serverUrl: 'https://ghe.acme.dev' },
    'GitHub Enterprise Server has no artifact service',
  ],
  ['when the name is taken', { again: true as const }, 'comment-key'],
  ['when the service refuses', { createStatus: 403 }, '403'],
])('is a warning %s', async (_, options, text) => {
  const { outcome, kept } = await upload(options)
  expect(outcome).toMatchObject({ uploaded: false, warning: expect.stringContaining(text) })
  expect(kept).toBe('# A report\n')
})

test('is a warning where there is no service', async () => {
  const request = { name: 'lmrun-1', files: [], root: '/out', signal: AbortSignal.timeout(100_000), env: {} }
  expect(await uploadArtifact(request)).toEqual({
    uploaded: false,
    warning:
      'the artifact lmrun-1 was not uploaded: this runner has no artifact service ' +
      '(ACTIONS_RESULTS_URL and ACTIONS_RUNTIME_TOKEN not set). The files are in /out.',
  })
})
