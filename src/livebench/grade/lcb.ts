import { inflateSync } from 'node:zlib'
import type { Question } from '../types.ts'
import { sameJson, sameText } from './compare.ts'
import { type GradeContext, GraderError } from './grader.ts'
import { SandboxFailure, SandboxProcess } from './sandbox/process.ts'
import { lastCodeBlock } from './text.ts'

interface TestCase {
  readonly input: string
  readonly output: string
}

/** LiveBench's limit for one test. */
const TEST_MS = 6000
const MAX_INFLATED = 512 * 1024 * 1024

/**
 * LCB_generation and coding_completion: 1 when every test passes. The process that runs the code gets inputs and
 * gives outputs; the expected ones never leave this process.
 */
export async function gradeLcb(question: Question, answer: string, context: GradeContext): Promise<number> {
  const { sandbox, signal } = context
  const tests = [...parseTests(question.public_test_cases), ...parseTests(question.private_test_cases)]
  if (tests.length === 0) throw new GraderError('the question has no test cases')
  if (sandbox === null) throw new GraderError('python3 was not found')
  const name = functionName(question)
  const code = wholeSolution(question, answer)
  if (code === '') return 0
  const { process } = await SandboxProcess.start(sandbox.command, 'model', signal)
  await using child = process
  try {
    const loaded = await child.request({ do: 'load', code, starred: true }, TEST_MS, signal)
    if ('raised' in loaded) return 0
    for (const { input, output } of tests) {
      const request = name === undefined ? { do: 'run', stdin: input } : { do: 'call', name, inputs: input }
      const reply = await child.request(request, TEST_MS, signal)
      if (typeof reply.output !== 'string') return 0
      if (!(name === undefined ? sameText : sameJson)(output, reply.output)) return 0
    }
    return 1
  } catch (error) {
    if (error instanceof SandboxFailure) return 0
    throw error
  }
}

/** The code of the answer; where a part of the solution was given, that part comes first. */
export function wholeSolution({ partial_solution: partial = '' }: Question, answer: string): string {
  const code = lastCodeBlock(answer)
  return code.startsWith(partial) ? code : `${partial}\n${code}`
}

/** The function to call; undefined for a program that reads standard input. */
function functionName(question: Question): string | undefined {
  try {
    const metadata: unknown = JSON.parse(question.original_json?.metadata ?? '{}')
    const named = typeof metadata === 'object' && metadata !== null && 'func_name' in metadata
    return named && typeof metadata.func_name === 'string' ? metadata.func_name : undefined
  } catch (cause) {
    throw new GraderError('original_json.metadata is not JSON', { cause })
  }
}

/** JSON; or, as LiveBench publishes private tests, JSON in a pickle, compressed, in base64. */
function parseTests(text = '[]'): TestCase[] {
  try {
    const json = text.trimStart().startsWith('[') ? text : unpickle(inflate(text))
    const tests: unknown = JSON.parse(json)
    if (Array.isArray(tests) && tests.every(isTestCase)) return tests
  } catch (cause) {
    throw new GraderError('the test cases cannot be read', { cause })
  }
  throw new GraderError('the test cases are not a list of inputs and outputs')
}

function inflate(text: string): Buffer {
  return inflateSync(Buffer.from(text, 'base64'), { maxOutputLength: MAX_INFLATED })
}

/** Takes the one text out of a pickle of a text, without running a pickle. Opcodes: Python's pickletools. */
function unpickle(pickle: Buffer): string {
  const lengths: Readonly<Record<number, (at: number) => readonly [size: number, from: number]>> = {
    88: at => [pickle.readUInt32LE(at), at + 4], // BINUNICODE
    140: at => [pickle.readUInt8(at), at + 1], // SHORT_BINUNICODE
    141: at => [Number(pickle.readBigUInt64LE(at)), at + 8], // BINUNICODE8
  }
  let at = pickle[0] === 128 ? 2 : 0 // PROTO and its version
  if (pickle[at] === 149) at += 9 // FRAME and its length
  const read = lengths[pickle[at] ?? 0]
  if (!read) throw new GraderError('the test cases are not a pickled text')
  const [size, from] = read(at + 1)
  return pickle.toString('utf8', from, from + size)
}

function isTestCase(value: unknown): value is TestCase {
  const isObject = typeof value === 'object' && value !== null && 'input' in value && 'output' in value
  return isObject && typeof value.input === 'string' && typeof value.output === 'string'
}
