import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InputError } from '../src/errors.ts'
import { loadActionInputs, loadCliInputs } from '../src/inputs.ts'

describe('loadActionInputs', () => {
  it('reads the one-line workflow', () => {
    const env = { INPUT_MODELS: 'qwen-coder: Qwen/Qwen2.5-Coder-32B-Instruct', 'INPUT_GITHUB-TOKEN': 't' }
    const { options, secrets, githubToken } = loadActionInputs(env)
    expect(Object.keys(options.models)).toEqual(['qwen-coder'])
    expect([secrets, githubToken]).toEqual([{}, 't'])
  })

  it('hands over the values of named secrets only', () => {
    const env = { INPUT_MODELS: 'a: b', INPUT_SECRETS: 'HF_TOKEN', HF_TOKEN: 'x', OTHER: 'y' }
    expect(loadActionInputs(env).secrets).toEqual({ HF_TOKEN: 'x' })
  })

  it.each([
    [{}, 'input models: is required'],
    [{ INPUT_MODELS: 'a: [b' }, 'input models: not valid YAML: '],
    [{ INPUT_MODELS: 'a: b\na: c' }, 'input models: not valid YAML: Map keys must be unique'],
    [{ INPUT_MODELS: 'a: *x' }, 'input models: not usable YAML: Unresolved alias'],
    [{ INPUT_MODELS: 'a: b', INPUT_PARALLEL: 'x' }, 'input parallel: "x" is not allowed'],
    [
      { INPUT_MODELS: 'a: b', INPUT_SECRETS: 'HF_TOKEN' },
      'input secrets: the environment variable HF_TOKEN is not set, or empty. Set it (in a workflow: env: HF_TOKEN: $' +
        '{{ secrets.HF_TOKEN }}), or take the name out',
    ],
  ])('refuses %j', (env, message) => {
    expect(() => loadActionInputs(env)).toThrow(InputError)
    expect(() => loadActionInputs(env)).toThrow(message)
  })

  it('never throws anything but an InputError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (models, parallel) => {
        try {
          loadActionInputs({ INPUT_MODELS: models, INPUT_PARALLEL: parallel })
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('survives a bomb of aliases', () => {
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
      .join('\n')}`
    expect(() => loadActionInputs({ INPUT_MODELS: bomb })).toThrow('not usable YAML')
  })
})

describe('loadCliInputs', () => {
  let cwd: string
  beforeEach(async () => {
    cwd = await mkdtemp(path.join(tmpdir(), 'lmrun-inputs-'))
  })
  afterEach(() => rm(cwd, { recursive: true, force: true }))

  it('takes flags over lmrun.yaml over defaults', async () => {
    await writeFile(path.join(cwd, 'lmrun.yaml'), 'models: {a: b}\nparallel: 2\nmax-tokens: 10\n')
    const { options } = await loadCliInputs({ flags: { parallel: '8' }, cwd }, {})
    expect([options.parallel, options.maxTokens, options.maxMinutes]).toEqual([8, 10, 60])
  })

  it('works without a file', async () => {
    const { options } = await loadCliInputs({ flags: { models: 'a: b' }, cwd }, {})
    expect(options.models.a?.model).toBe('b')
  })

  it.each([
    [
      'models: {a: b}\nparalel: 2\n',
      'lmrun.yaml: paralel: there is no such option. Did you mean "parallel"?',
    ],
    ['models: {a: b}\nparallel: many\n', 'lmrun.yaml: parallel: "many" is not allowed'],
    ['- models\n', 'lmrun.yaml: is not a map of options'],
    ['models: {a: b\n', 'lmrun.yaml: not valid YAML'],
    ['', 'lmrun.yaml: models: is required'],
  ])('refuses the file %j', async (text, message) => {
    await writeFile(path.join(cwd, 'lmrun.yaml'), text)
    await expect(loadCliInputs({ flags: {}, cwd }, {})).rejects.toThrow(message)
  })

  it('names the flag that was wrong', async () => {
    await expect(loadCliInputs({ flags: { models: 'a: b', comment: 'x' }, cwd }, {})).rejects.toThrow(
      '--comment: "x"',
    )
  })

  it('refuses a --config that is not there', async () => {
    await expect(loadCliInputs({ flags: { models: 'a: b' }, config: 'no.yaml', cwd }, {})).rejects.toThrow(
      `--config: there is no file ${path.join(cwd, 'no.yaml')}`,
    )
  })
})
