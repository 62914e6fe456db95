import { describe, expect, test } from 'vitest'
import { gradeAnswer } from '../../../src/livebench/grade/grade.ts'
import { judgmentFile } from '../../../src/livebench/grade/judgments.ts'
import { loadQuestions, taskFolder } from '../../../src/livebench/questions.ts'
import type { Answer, Judgment } from '../../../src/livebench/types.ts'
import { fixture, rows, sandbox, signal } from './support.ts'

const run1 = fixture('livebench/run1')
const questions = await loadQuestions(run1, { benchmarks: ['live_bench'] })

/** What our graders say where LiveBench's own failed; worked out by hand. */
const ownScores: Readonly<Record<string, number>> = {
  'amc_12a qwen-coder': 0,
  'amc_12a gold': 1,
  'amps_hard_derivative qwen-coder': 0,
  'amps_hard_derivative gold': 1,
}

describe('answers that the real LiveBench has graded', async () => {
  for (const question of questions) {
    const folder = taskFolder(run1, question)
    const judgments = await rows<Judgment>(judgmentFile(folder))
    for (const judgment of judgments.filter(row => row.question_id === question.question_id)) {
      const name = `${question.task} ${question.question_id.slice(0, 8)} of ${judgment.model}`
      test(name, async () => {
        const answers = await rows<Answer>(`${folder}/model_answer/${judgment.model}.jsonl`)
        const answer = answers.find(row => row.question_id === question.question_id)
        if (!answer) throw new Error('the fixture has no such answer')
        const verdict = await gradeAnswer(question, answer, { sandbox: await sandbox(), signal })
        const own = ownScores[`${question.subtask} ${judgment.model}`]
        expect(verdict).toEqual({ score: judgment.eval_status ? own : judgment.score })
      })
    }
  }
})
