import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'

/** Steps that .ci/run counts beside tests: lint, lint tools, five checks, types, dist, audit, demo, nothing left. */
const STEPS = 12
/** Runs of vitest: cit, real, chaos, mesh, sky. */
const SUITES = 5

interface Stubs {
  /** What `npm cit` leaves as its report; null = none. */
  readonly report?: string | null
  /** Exit codes by npm's arguments. */
  readonly exits?: Readonly<Record<string, number>>
  readonly audit?: string
}

/** .ci/run in a clone whose npm and scripts are stand-ins: what is tested is the counting. */
function run({
  report = vitest(5, 0),
  exits = {},
  audit = '{"metadata":{"vulnerabilities":{"total":0}}}',
}: Stubs) {
  const clone = mkdtempSync(path.join(tmpdir(), 'lmrun-ci-'))
  onTestFinished(() => rmSync(clone, { recursive: true }))
  const executable = (file: string, lines: readonly string[]) => {
    mkdirSync(path.join(clone, path.dirname(file)), { recursive: true })
    writeFileSync(path.join(clone, file), ['#!/usr/bin/env bash', ...lines, ''].join('\n'), { mode: 0o755 })
  }
  cpSync(path.join(packageRoot(), '.ci/run'), path.join(clone, '.ci/run'))
  for (const script of ['tools', 'lint-workflows', 'check-dist']) executable(`scripts/${script}.sh`, ['true'])
  executable('bin/npm', [
    `[[ $1 == audit ]] && echo '${audit}'`,
    report === null ? '' : `[[ -z $TEST_REPORT ]] || echo '${report}' >"$TEST_REPORT"`,
    ...Object.entries(exits).map(([args, code]) => `[[ $* == "${args}" ]] && exit ${code}`),
    'exit 0',
  ])
  const env = { ...process.env, PATH: `${clone}/bin:${process.env.PATH}`, TEST_REPORT: '' }
  const { status, stdout } = spawnSync(path.join(clone, '.ci/run'), { env, encoding: 'utf8' })
  const lines = stdout.trimEnd().split('\n')
  return {
    status,
    stdout,
    last: lines.at(-1),
    totals: lines.filter(line => /^\d+ passed, \d+ failed$/.test(line)),
  }
}

function vitest(passed: number, failed: number, failing: string[] = []): string {
  const test = { fullName: 'a VM is ended', status: 'failed', failureMessages: failing }
  const assertionResults = [
    { ...test, fullName: 'a good one', status: 'passed' },
    ...(failed > 0 ? [test] : []),
  ]
  return JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    testResults: [{ assertionResults }],
  })
}

test('adds up tests and steps in one last line', () => {
  const { status, last, totals } = run({})
  expect({ status, last }).toEqual({ status: 0, last: `${5 * SUITES + STEPS} passed, 0 failed` })
  expect(totals).toHaveLength(1)
})

test('goes on after a failing step and names it', () => {
  const { status, last, stdout } = run({ exits: { 'run --silent lint': 1, 'run demo': 3 } })
  expect({ status, last }).toEqual({ status: 1, last: `${5 * SUITES + STEPS - 2} passed, 2 failed` })
  expect(stdout).toContain('failed: lint (1)\nfailed: npm run demo (1)')
})

test.each([
  {
    name: 'failing tests',
    stubs: { report: vitest(4, 2), exits: { cit: 1, 'run test:real': 1 } },
    passed: 4 * SUITES,
    failed: 2 * SUITES,
  },
  {
    name: 'a run that fails without a failing test',
    stubs: { exits: { cit: 1 } },
    passed: 5 * SUITES,
    failed: 1,
  },
  { name: 'a run without a test', stubs: { report: vitest(0, 0) }, passed: 0, failed: SUITES },
  { name: 'a run without a report', stubs: { report: null }, passed: 0, failed: SUITES },
  { name: 'a report cut short', stubs: { report: '{"numPassed' }, passed: 0, failed: SUITES },
])('counts $name', ({ stubs, passed, failed }) => {
  expect(run(stubs)).toMatchObject({ status: 1, last: `${passed + STEPS} passed, ${failed} failed` })
})

test('says at the end which tests failed, and why', () => {
  const { stdout } = run({
    report: vitest(4, 1, ['AssertionError: it is alive\n    at somewhere.ts']),
    exits: { cit: 1 },
  })
  expect(stdout).toContain('  a VM is ended: AssertionError: it is alive\n')
  expect(stdout).not.toContain('a good one')
})

test('fails on what npm audit finds', () => {
  const found = run({
    audit: '{"metadata":{"vulnerabilities":{"total":2}},"vulnerabilities":{"bad-one":{}}}',
  })
  expect(found).toMatchObject({ status: 1, last: `${5 * SUITES + STEPS - 1} passed, 1 failed` })
  expect(found.stdout).toContain('bad-one')
})

test('says when the registry cannot answer npm audit', () => {
  const silent = run({
    audit: '{"message":"405 Method Not Allowed"}',
    exits: { 'audit --omit=dev --json': 1 },
  })
  expect(silent.status).toBe(0)
  expect(silent.stdout).toContain('the registry did not answer')
})
