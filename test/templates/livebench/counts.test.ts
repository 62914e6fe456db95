import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { readScores } from '../../../src/livebench/scores.ts'

const COUNT = `
import json, sys
from pathlib import Path
import manifest, questions, settings
for folder in sys.argv[1:]:
    asked = settings.read({"SERVER": "m", "BENCHMARK": "live_bench", "QUESTIONS": folder})
    asked = settings.Settings(**{**asked.__dict__, "work": Path(folder)})
    expected = questions.expected(asked)
    print(json.dumps({"counts": manifest.counts(asked, expected), "sha256": manifest.sha256(expected)}))
`

const ids = ['a', 'b', 'c', 'd', 'e', 'f']
const word = fc.constantFrom(undefined, null, '', 'ok', 'success', 'api_error', 'eval_error', 'broke')
const said = fc.record({ eval_status: word, error: word, error_msg: word })
const turns = fc.constantFrom<unknown>(
  ['yes'],
  ['$ERROR$'],
  [' $ERROR$ '],
  [''],
  [' '],
  [],
  ['a', ''],
  'yes',
  3,
  null,
)
const answer = fc.record({ question_id: fc.constantFrom(...ids), turns, said })
const score = fc.constantFrom<unknown>(0, 1, 0.5, -1, 2, -0.5, true, null, '1', undefined)
const judgment = fc.record({
  question_id: fc.constantFrom(...ids),
  model: fc.constantFrom('m', 'M', 'n'),
  score,
  said,
})
const torn = fc.constantFrom('', '{"question_id": "a', '[]', '7')
const world = fc.record({
  answers: fc.array(answer, { maxLength: 8 }),
  judgments: fc.array(judgment, { maxLength: 8 }),
  torn,
})

const jsonl = (rows: readonly unknown[], end = '') =>
  rows.map(row => `${JSON.stringify(row)}\n`).join('') + end

test('the manifest counts as the scores do, whatever the rows say', async () => {
  const root = await mkdtemp(path.join(tmpdir(), 'lmrun-counts-'))
  try {
    const worlds = fc.sample(world, 60)
    const folders = await Promise.all(
      worlds.map(async ({ answers, judgments, torn }, nth) => {
        const folder = path.join(root, String(nth))
        const task = path.join(folder, 'data/live_bench/coding/typing')
        for (const part of ['model_answer', 'model_judgment'])
          await mkdir(path.join(task, part), { recursive: true })
        const dates = { livebench_release_date: '2024-11-25', livebench_removal_date: '' }
        await writeFile(
          path.join(task, 'question.jsonl'),
          jsonl(
            ids.map(id => ({ question_id: id, category: 'coding', task: 'typing', turns: ['?'], ...dates })),
          ),
        )
        const answered = answers.map(({ turns, said, ...row }) => ({
          ...row,
          choices: [{ index: 0, turns }],
          ...said,
        }))
        await writeFile(path.join(task, 'model_answer/m.jsonl'), jsonl(answered, torn))
        const judged = judgments.map(({ said, ...row }) => ({
          ...row,
          category: 'coding',
          task: 'typing',
          ...said,
        }))
        await writeFile(path.join(task, 'model_judgment/ground_truth_judgment.jsonl'), jsonl(judged, torn))
        return folder
      }),
    )
    const env = { ...process.env, PYTHONPATH: path.join(packageRoot(), 'templates/client/livebench') }
    const { stdout } = await promisify(execFile)('python3', ['-B', '-c', COUNT, ...folders], { env })
    const counted = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    for (const [nth, folder] of folders.entries()) {
      const { scores, questions } = await readScores(folder, { models: ['m'] })
      const ours = { counts: Object.values(scores.models)[0]?.questions, sha256: questions.sha256() }
      expect({ world: worlds[nth], ...counted[nth] }).toEqual({ world: worlds[nth], ...ours })
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
})
