import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OPTIONS, optionNames, parseOptions } from '../src/options.ts'

const label = (name: string) => `input ${name}`
const models = { 'qwen-coder': 'Qwen/Qwen2.5-Coder-32B-Instruct' }

function problemsOf(raw: Record<string, unknown>): string[] {
  return parseOptions({ models, ...raw }, label).problems.map(
    ({ where, what, allowed }) => `${where}: ${what}. ${allowed}`,
  )
}

function parsed(raw: Record<string, unknown>) {
  const result = parseOptions({ models, ...raw }, label)
  if (!('value' in result)) throw new Error(JSON.stringify(result.problems))
  return result.value
}

describe('parseOptions', () => {
  it('needs only models', () => {
    expect(parsed({})).toEqual({
      models: {
        'qwen-coder': { model: models['qwen-coder'], serveOptions: '', environment: {}, resources: {} },
      },
      benchmark: ['live_bench'],
      questions: 'smoke',
      parallel: 4,
      maxTokens: 64,
      infra: ['local'],
      clientInfra: ['local'],
      mesh: 'off',
      accelerators: [],
      reuse: false,
      retries: 2,
      maxMinutes: 60,
      leaseMinutes: 10,
      secrets: [],
      comment: 'auto',
      commentKey: '',
      outputDirectory: 'lmrun-out',
      allowErrors: 0,
    })
  })

  it('takes text and YAML values alike', () => {
    expect(
      parsed({ parallel: '8', 'max-minutes': '0.5', benchmark: 'live_bench/coding, live_bench/math' }),
    ).toEqual(
      parsed({ parallel: 8, 'max-minutes': 0.5, benchmark: ['live_bench/coding', 'live_bench/math'] }),
    )
  })

  it('takes a model with all its options', () => {
    const full = {
      model: 'm',
      revision: 'abc',
      'serve-options': '--ctx-size 4096',
      template: 't.yaml',
      environment: { A: 1 },
      infra: 'aws gcp/us-central1',
      accelerators: ['L4:4', 'A100-80GB'],
      spot: true,
      'disk-size': 128,
    }
    expect(parsed({ models: { x: full } }).models).toEqual({
      x: {
        model: 'm',
        revision: 'abc',
        serveOptions: '--ctx-size 4096',
        template: 't.yaml',
        environment: { A: '1' },
        resources: {
          infra: ['aws', 'gcp/us-central1'],
          accelerators: ['L4:4', 'A100-80GB'],
          spot: true,
          diskSize: 128,
        },
      },
    })
  })

  it("keeps LiveBench's own token limit for questions that are not ours", () => {
    expect(parsed({ questions: 'somewhere' }).maxTokens).toBe(4096)
    expect(parsed({ 'max-tokens': '100' }).maxTokens).toBe(100)
  })

  it.each([
    [{ models: undefined }, 'input models: is required. Give a YAML map of model key → model'],
    [{ models: {} }, 'input models: {} is not allowed. Give a YAML map'],
    [{ models: 'qwen' }, 'input models: "qwen" is not allowed. Give a YAML map'],
    [{ models: ['a'] }, 'input models: ["a"] is not allowed. Give a YAML map'],
    [{ models: { 'a b': 'm' } }, 'input models, at a b: '],
    [{ models: { '-a': 'm' } }, 'input models, at -a: '],
    [{ models: { a: '' } }, 'input models, at a: '],
    [{ models: { a: { revision: 'x' } } }, 'input models, at a.model: '],
    [{ models: { a: { model: 'm', revison: 'x' } } }, 'input models, at a: unknown revison. '],
    [{ models: { a: { model: 'm', environment: { 'A-B': '1' } } } }, 'input models, at a.environment.A-B: '],
    [{ benchmark: 'livebench' }, 'input benchmark: "livebench" is not allowed. Give live_bench, '],
    [{ benchmark: 'live_bench/a/b/c' }, 'input benchmark: "live_bench/a/b/c" is not allowed. '],
    [{ benchmark: 'live_bench/../x' }, 'input benchmark: "live_bench/../x" is not allowed. '],
    [{ parallel: '0' }, 'input parallel: "0" is not allowed. Give a whole number from 1 to 1024'],
    [{ parallel: '1.5' }, 'input parallel: "1.5" is not allowed. '],
    [{ parallel: '1e3' }, 'input parallel: "1e3" is not allowed. '],
    [{ 'max-tokens': 'many' }, 'input max-tokens: "many" is not allowed. Give a whole number of tokens'],
    [{ infra: 'moon' }, 'input infra: "moon" is not allowed. Give "local"'],
    [{ infra: 'local aws' }, 'input infra: "local aws" is not allowed'],
    [{ accelerators: 'L4:x' }, 'input accelerators: "L4:x" is not allowed'],
    [{ 'aws-role': 'lmrun' }, 'input aws-role: "lmrun" is not allowed'],
    [{ spot: 'maybe' }, 'input spot: "maybe" is not allowed'],
    [{ 'max-minutes': '-1' }, 'input max-minutes: "-1" is not allowed. Give a number of minutes from 0.1'],
    [{ 'lease-minutes': '0' }, 'input lease-minutes: "0" is not allowed. Give a number of minutes from 0.1'],
    [
      { secrets: 'HF-TOKEN' },
      'input secrets: "HF-TOKEN" is not allowed. Give names of environment variables',
    ],
    [{ comment: 'yes' }, 'input comment: "yes" is not allowed. Give auto, always or never'],
    [{ 'comment-key': 'x'.repeat(101) }, 'input comment-key: '],
    [{ 'allow-errors': '-1' }, 'input allow-errors: "-1" is not allowed. Give a whole number from 0'],
    [{ paralel: '4' }, 'input paralel: there is no such option. Did you mean "parallel"?'],
    [{ unheard: '4' }, 'input unheard: there is no such option. The options are models, benchmark, '],
  ])('refuses %j', (raw, message) => {
    const problems = problemsOf(raw)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  it('reports all problems at once', () => {
    expect(problemsOf({ parallel: 'x', comment: 'y', infra: 'z' })).toHaveLength(3)
  })

  it('never throws, whatever is given', () => {
    const names = fc.oneof(fc.constantFrom(...optionNames), fc.string())
    fc.assert(
      fc.property(fc.dictionary(names, fc.anything({ maxDepth: 3 })), raw => {
        const result = parseOptions(raw, label)
        expect('value' in result).toBe(result.problems.length === 0)
      }),
    )
  })

  it('has a valid default for every option that has one', () => {
    for (const option of Object.values(OPTIONS)) {
      if ('fallback' in option) expect(option.schema.safeParse(option.fallback).success).toBe(true)
    }
  })
})
