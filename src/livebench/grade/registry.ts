import type { Question } from '../types.ts'
import { gradeAmpsHard } from './amps-hard.ts'
import { gradeCodeGeneration } from './code-generation.ts'
import { gradeConsecutiveEvents } from './consecutive-events.ts'
import { gradeCta } from './cta.ts'
import type { Grade } from './grader.ts'
import { areVerified, gradeInstructions } from './instructions.ts'
import { gradeLcb } from './lcb.ts'
import { gradeAime, gradeAmc } from './math-comp.ts'
import { gradeSpatial } from './spatial.ts'
import { gradeTypos } from './typos.ts'
import { gradeWebOfLies } from './web-of-lies.ts'

interface Grader {
  readonly grade: Grade
  /** Whether its scores have been seen to be those of the real LiveBench, on answers that it graded. */
  readonly verified: boolean
  /** It runs code, and so needs the sandbox. */
  readonly runsCode?: true
}

/** By subtask, else by task, as LiveBench chooses. */
const graders: Readonly<Record<string, Grader>> = {
  LCB_generation: { grade: gradeLcb, verified: true, runsCode: true },
  coding_completion: { grade: gradeLcb, verified: true, runsCode: true },
  code_generation: { grade: gradeCodeGeneration, verified: true, runsCode: true },
  code_completion: { grade: gradeCodeGeneration, verified: false, runsCode: true },
  consecutive_events: { grade: gradeConsecutiveEvents, verified: true },
  cta: { grade: gradeCta, verified: true },
  typos: { grade: gradeTypos, verified: true },
  spatial: { grade: gradeSpatial, verified: true },
  web_of_lies_v3: { grade: gradeWebOfLies, verified: true },
  aime: { grade: gradeAime, verified: true },
  // LiveBench's own graders failed on these where we could watch them, so there was nothing to compare with.
  amc: { grade: gradeAmc, verified: false },
  amps_hard: { grade: gradeAmpsHard, verified: false },
}

/** The grader of a question; undefined when there is none for its kind. */
export function findGrader(question: Question): Grader | undefined {
  if (question.category === 'instruction_following') {
    return { grade: gradeInstructions, verified: areVerified(question) }
  }
  const key = graderKey(question.subtask ?? question.task, question.task)
  return Object.hasOwn(graders, key) ? graders[key] : undefined
}

/** Subtasks of mathematics carry a year or a kind: `aime`, `amc_12a`, `2023_amc12`, `amps_hard_derivative`. */
function graderKey(kind: string, task: string): string {
  if (kind.startsWith('aime')) return 'aime'
  if (/^(amc|smc)|^[^_]+_amc/.test(kind)) return 'amc'
  return kind.includes('amps_hard') || task === 'AMPS_Hard' ? 'amps_hard' : kind
}

/** Kinds of questions (`task`, or `task (kind)`) whose graders have not been compared with LiveBench's; sorted. */
export function unverifiedTasks(questions: readonly Question[]): string[] {
  const unverified = questions.filter(question => findGrader(question)?.verified === false)
  return [...new Set(unverified.map(kindOf))].sort()
}

function kindOf({ category, task, subtask }: Question): string {
  const key = category === 'instruction_following' ? task : graderKey(subtask ?? task, task)
  return key.toLowerCase() === task.toLowerCase() ? task : `${task} (${key})`
}
