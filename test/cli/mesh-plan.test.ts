import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { meshPlanSchema } from '../../src/mesh/topology/schema.ts'

const cli = path.join(import.meta.dirname, '../../src/cli.ts')
let cwd: string

beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'lmrun-mesh-plan-'))
})
afterEach(() => rmSync(cwd, { recursive: true }))

function mesh(args: string, env: NodeJS.ProcessEnv = {}) {
  const argv = [cli, 'mesh', ...args.split(' ').filter(Boolean)]
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd, env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

const put = (name: string, content: string) => writeFileSync(path.join(cwd, name), content)

describe('lmrun mesh plan', () => {
  test('prints a table, a picture or a document, on stdout alone', () => {
    const flags = 'plan --main us-east-1 --region aws:eu-west-1 --region lambda:us-west-1'
    const table = mesh(flags)
    expect(table).toMatchObject({ status: 0, stderr: '' })
    expect(table.stdout).toMatch(/^REGION +NETWORK +VPC\naws:us-east-1 +main +10.64.0.0\/16\n/)
    expect(table.stdout.split('\n').filter(line => /\s$/.test(line))).toEqual([])
    expect(mesh(`${flags} --format mermaid`).stdout).toMatch(/^flowchart TB\n[\s\S]* r0 ---\|peering\| r1\n/)
    const { main, regions } = meshPlanSchema.parse(JSON.parse(mesh(`${flags} --format json`).stdout))
    expect([main, regions.length]).toEqual(['aws:us-east-1', 3])
  })

  test('the main region: flag, file, environment, .env, in this order', () => {
    const main = (args: string, env?: NodeJS.ProcessEnv) =>
      JSON.parse(mesh(`plan --format json ${args}`, env).stdout).main
    put('.env', '# ours\nexport AWS_DEFAULT_REGION="eu-north-1" # main\nHF_TOKEN=x\n')
    put('mesh.json', '{"main": "eu-west-3", "regions": ["lambda:us-west-1"]}')
    const env = { AWS_DEFAULT_REGION: 'eu-west-2' }
    expect(main('')).toBe('aws:eu-north-1')
    expect(main('', env)).toBe('aws:eu-west-2')
    expect(main('mesh.json', env)).toBe('aws:eu-west-3')
    expect(main('mesh.json --main eu-west-1', env)).toBe('aws:eu-west-1')
  })

  test('a .env is read only when it is needed, and a broken one is told', () => {
    mkdirSync(path.join(cwd, '.env'))
    expect(mesh('plan --main us-east-1').status).toBe(0)
    const { status, stdout, stderr } = mesh('plan')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(/^lmrun: .env: cannot be read: .*EISDIR/)
  })

  test.each([
    ['main: [', /^lmrun: mesh.yaml: not valid YAML: .* line 1/],
    ['main: a\nmain: b', /^lmrun: mesh.yaml: not valid YAML: Map keys must be unique/],
    [
      `a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nregions: [${'*b,'.repeat(40)}]`,
      /^lmrun: mesh.yaml: not usable YAML/,
    ],
    ['main: us-east-1\nconnect: [[a, b]]', /^lmrun: mesh.yaml: connect, item 1: a is not in the plan/],
  ])('a file with %j is refused', (content, message) => {
    put('mesh.yaml', content)
    const { status, stdout, stderr } = mesh('plan mesh.yaml')
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
  })

  test.each([
    ['plan nowhere.yaml', 'nowhere.yaml: there is no file'],
    ['plan', '--main: is required'],
    ['plan --format svg', "'svg' is invalid. Allowed choices are table, mermaid, json"],
    ['plan --main us-east-1 --regions aws:eu-west-1', "unknown option '--regions'"],
    ['plam', "unknown command 'plam'"],
  ])('lmrun mesh %s exits 2', (args, message) => {
    const { status, stdout, stderr } = mesh(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(message)
  })
})
