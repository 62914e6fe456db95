import type { Question } from '../types.ts'
import { GraderError } from './grader.ts'

type Kwargs = Readonly<Record<string, unknown>>
interface Instruction {
  /** Reproduces scores that the real LiveBench gave. */
  readonly verified: boolean
  readonly follows: (answer: string, kwargs: Kwargs) => boolean
}

/** By LiveBench's instruction ids (IFBench and IFEval). */
const instructions: Readonly<Record<string, Instruction>> = {
  'count:word_count_range': {
    verified: true,
    follows: (answer, kwargs) => {
      const count = words(answer).length
      return number(kwargs, 'min_words') <= count && count <= number(kwargs, 'max_words')
    },
  },
  'count:unique_word_count': {
    verified: false,
    follows: (answer, kwargs) => {
      const unique = new Set(answer.toLowerCase().split(/\s+/).filter(Boolean).map(stripPunctuation))
      return unique.size >= number(kwargs, 'N')
    },
  },
  'count:numbers': {
    verified: false,
    follows: (answer, kwargs) =>
      (answer.replaceAll(punctuation, '').match(/\d+/g) ?? []).length === number(kwargs, 'N'),
  },
  'keywords:existence': {
    verified: false,
    follows: (answer, kwargs) => texts(kwargs, 'keywords').every(word => contains(answer, word)),
  },
  'keywords:forbidden_words': {
    verified: false,
    follows: (answer, kwargs) =>
      texts(kwargs, 'forbidden_words').every(
        word => !words(answer.toLowerCase()).includes(word.toLowerCase()),
      ),
  },
  'punctuation:no_comma': { verified: false, follows: answer => !answer.includes(',') },
  'change_case:english_lowercase': { verified: false, follows: answer => answer === answer.toLowerCase() },
  'change_case:english_capital': { verified: false, follows: answer => answer === answer.toUpperCase() },
}

/** Half for the share of instructions that the answer follows, half for all of them. */
export function gradeInstructions(question: Question, answer: string): number {
  const ids = question.instruction_id_list ?? []
  if (ids.length === 0) throw new GraderError('the question has no instruction_id_list')
  const text = answer.trim()
  const followed = ids.filter((id, index) => {
    const follows = find(id).follows(text, question.kwargs?.[index] ?? {})
    return text !== '' && follows
  })
  return ((followed.length === ids.length ? 1 : 0) + followed.length / ids.length) / 2
}

/** Whether every instruction of this question is graded as the real LiveBench has been seen to do. */
export function areVerified(question: Question): boolean {
  return (question.instruction_id_list ?? []).every(
    id => Object.hasOwn(instructions, id) && find(id).verified,
  )
}

function find(id: string): Instruction {
  const instruction = Object.hasOwn(instructions, id) ? instructions[id] : undefined
  if (!instruction) throw new GraderError(`no grader for the instruction ${id}`)
  return instruction
}

function words(text: string): string[] {
  return text.match(/[\p{L}\p{N}_]+/gu) ?? []
}

const punctuation = /[!-/:-@[-`{-~]/g

function stripPunctuation(word: string): string {
  return word.replaceAll(/^[!-/:-@[-`{-~]+|[!-/:-@[-`{-~]+$/g, '')
}

function contains(text: string, word: string): boolean {
  return text.toLowerCase().includes(word.toLowerCase())
}

function number(kwargs: Kwargs, name: string): number {
  const value = kwargs[name]
  if (typeof value !== 'number') throw new GraderError(`kwargs has no number ${name}`)
  return value
}

function texts(kwargs: Kwargs, name: string): string[] {
  const value = kwargs[name]
  if (!Array.isArray(value)) throw new GraderError(`kwargs has no list ${name}`)
  return value.map(String)
}
