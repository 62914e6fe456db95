import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRun, nameClashes, vmName } from '../src/run.ts'

const modelKeys = fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/)
const serviceName = /^[a-z]([-a-z0-9]*[a-z0-9])?$/

describe('vmName', () => {
  it.each([
    ['qwen-coder', 'qwen-coder-abc12'],
    ['Qwen2.5_Coder', 'qwen2-5-coder-abc12'],
    ['7b', 'm-7b-abc12'],
  ])('names %s %s', (key, name) => expect(vmName(key, 'abc12')).toBe(name))

  it('tells long keys apart that begin alike', () => {
    const [a, b] = [
      vmName('qwen2-5-coder-32b-instruct-awq', 'abc12'),
      vmName('qwen2-5-coder-32b-instruct-gptq', 'abc12'),
    ]
    expect(a).not.toBe(b)
    expect(a).toMatch(/^qwen2-5-coder-3/)
  })

  it('is always a service name of at most 26 characters that ends with the run', () => {
    fc.assert(
      fc.property(modelKeys, key => {
        const name = vmName(key, 'abc12')
        expect(name).toMatch(serviceName)
        expect(name.length).toBeLessThanOrEqual(26)
        expect(name.endsWith('-abc12')).toBe(true)
      }),
    )
  })
})

describe('nameClashes', () => {
  it('finds keys that differ only in case or punctuation', () => {
    expect(nameClashes(['a.b', 'c', 'A-B'])).toEqual([['a.b', 'A-B']])
  })

  it('finds none among keys that differ in letters or digits', () => {
    const lettered = modelKeys.filter(key => /^[A-Za-z]/.test(key))
    const distinct = fc.uniqueArray(lettered, {
      selector: key => key.toLowerCase().replace(/[^a-z0-9]/g, ''),
    })
    fc.assert(
      fc.property(distinct, keys => {
        expect(nameClashes(keys)).toEqual([])
      }),
    )
  })
})

describe('createRun', () => {
  const env = {
    GITHUB_RUN_ID: '77',
    GITHUB_RUN_ATTEMPT: '2',
    GITHUB_JOB: 'bench',
    GITHUB_REPOSITORY: 'o/r',
    GITHUB_SERVER_URL: 'https://github.example',
    GITHUB_SHA: 'abc',
  }

  it('is named by run, attempt and job in a workflow', () => {
    const run = createRun(env, 'n')
    expect(run.id).toBe(`77-2-bench-${run.short}`)
    expect(run.url).toBe('https://github.example/o/r/actions/runs/77/attempts/2')
    expect(run.owner).toEqual({ run: '77', attempt: '2', repository: 'o/r' })
  })

  it('keeps the legs of a matrix apart, which share run, attempt and job', () => {
    expect(createRun(env).short).not.toBe(createRun(env).short)
  })

  it('is local elsewhere', () => {
    const run = createRun({})
    expect(run.id).toBe(`local-${run.short}`)
    expect(run.short).toMatch(/^[a-z0-9]{5}$/)
  })
})
