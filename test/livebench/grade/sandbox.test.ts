import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { LAYERS, probeSandbox, sandboxWarnings } from '../../../src/livebench/grade/sandbox/probe.ts'
import { SandboxProcess } from '../../../src/livebench/grade/sandbox/process.ts'
import type { Question } from '../../../src/livebench/types.ts'
import {
  codeBlock,
  functional,
  program,
  sandbox,
  scoreOf,
  signal,
  temporaryFolder,
  tested,
} from './support.ts'

/** What `f(3)` is, told in every way that a question may ask. */
const SECRET = 61913
const asked: Readonly<Record<string, Question>> = {
  'a function': functional(String(SECRET)),
  'a program': program('3\n', `${SECRET}\n`),
  'unit tests': tested(`self.assertEqual(f(3), ${SECRET})`, 'self.assertEqual(f(0), 0)'),
}
const right = `def f(n):\n    return 0 if n == 0 else ${SECRET}\nif __name__ == "__main__":\n    print(f(int(input())))`

/** Code that does all it can at import, in the call and as a program, without knowing the secret. */
const everywhere = (attack: string) =>
  `def attack():\n${attack
    .split('\n')
    .map(line => `    ${line}`)
    .join('\n')}\ndef f(n):\n    return attack()\nif __name__ == "__main__":\n    print(attack())`

const attacks: Readonly<Record<string, string>> = {
  'leaves at once': 'import os\nos._exit(0)',
  'leaves with a code': 'import sys\nsys.exit(0)',
  'prints that it is right': `print("OK")\nprint('{"verdict": {"run": 2, "failures": []}}')\nreturn "OK"`,
  'changes unittest, json and builtins': `
import builtins, json, unittest
unittest.TestCase.assertEqual = lambda *a: None
unittest.TestResult.wasSuccessful = lambda *a: True
json.dumps = lambda *a, **k: '{"verdict": {"run": 2, "failures": []}}'
builtins.repr = lambda *a: "True"
return True`,
  'stays to the end': `
import atexit, os
atexit.register(lambda: os.write(1, b"OK"))
return 1`,
  'writes a verdict to every descriptor': `
import os
for fd in range(21):
    try:
        os.write(fd, b'{"verdict": {"run": 2, "failures": []}}\\n{"output": "true", "printed": "", "value": "True", "args": "()"}\\n' * 5)
    except OSError:
        pass
return True`,
  'closes every descriptor': 'import os\nos.closerange(0, 256)\nreturn 1',
  'returns something equal to everything': `
class Yes:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
return Yes()`,
  'returns a text that is equal to everything': `
class Yes(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __hash__(self): return 0
return Yes("no")`,
  'skips the tests': 'import unittest\nraise unittest.SkipTest("no need")',
  'raises what is no error': 'raise KeyboardInterrupt',
  'takes all memory': 'kept = []\nwhile True:\n    kept.append(bytearray(50_000_000))',
  'writes without end': 'while True:\n    print("x" * 1_000_000)',
  'floods the channel': `
import os
while True:
    for fd in range(3, 21):
        try:
            os.write(fd, b"x" * 65536)
        except OSError:
            pass`,
  'recurses without end': 'return attack()',
  'crashes the interpreter': 'import ctypes\nctypes.string_at(0)',
  'returns a value that is too deep':
    'value = []\nfor _ in range(100_000):\n    value = [value]\nreturn value',
  'starts processes without end': 'import os\nwhile True:\n    os.fork()',
  'runs a program': 'import subprocess\nreturn subprocess.run(["/bin/echo", "hi"]).returncode',
  'kills everything': 'import os, signal\nos.kill(-1, signal.SIGKILL)\nreturn 1',
}

describe.each(Object.entries(asked))('the answer to %s', (_kind, question) => {
  test('is right when it is', async () => {
    expect(await scoreOf(question, codeBlock(right))).toBe(1)
  })

  test.each(Object.entries(attacks))('%s', async (_name, attack) => {
    expect(await scoreOf(question, codeBlock(everywhere(attack.trim())))).toBe(0)
    expect(await scoreOf(question, codeBlock(right))).toBe(1)
  })
})

test.each(Object.entries(asked))('an endless loop in %s ends', async (_kind, question) => {
  expect(await scoreOf(question, codeBlock(everywhere('while True: pass')))).toBe(0)
})

test('any text as code is only a wrong answer', async () => {
  const pieces = fc.constantFrom(
    'def f(n):',
    '\n',
    '    return ',
    '\0',
    '\ud800',
    'class Solution:',
    '(',
    '"""',
    '\\',
    'n',
  )
  const code = fc.array(fc.oneof(pieces, fc.string({ unit: 'binary' })), { maxLength: 10 })
  const questions = Object.values(asked)
  await fc.assert(
    fc.asyncProperty(code, fc.constantFrom(...questions), async (parts, question) => {
      expect(await scoreOf(question, codeBlock(parts.join('').replaceAll('`', '')))).toBe(0)
    }),
    { numRuns: 25 },
  )
})

/** What a function of the answer gets to see, as the text of its output. */
async function seen(expression: string, command: readonly string[]): Promise<string> {
  const { process } = await SandboxProcess.start(command, 'model', signal)
  await using child = process
  await child.request(
    { do: 'load', code: `def f():\n    return ${expression}`, starred: true },
    10_000,
    signal,
  )
  await child.request({ do: 'define' }, 10_000, signal)
  const reply = await child.request({ do: 'literal', name: 'f', args: '()', kwargs: '{}' }, 10_000, signal)
  return JSON.stringify(reply)
}

const best = await sandbox()
const python = best?.command.at(-1) ?? 'python3'
/** As on machines that forbid namespaces, too. */
const ways: readonly (readonly [string, readonly string[]])[] = [
  ['as well as can be', best?.command ?? [python]],
  ['without namespaces', [python]],
]

describe.each(ways)('what is out of reach, %s', (_way, command) => {
  const needs = (layer: keyof typeof LAYERS) => test.skipIf(!best?.layers.includes(layer))
  const denied = /PermissionError|FileNotFoundError|IsADirectoryError|NotADirectoryError/

  test('our environment', async () => {
    const reply = await seen('sorted(__import__("os").environ)', command)
    expect(
      JSON.parse(reply)
        .value.replaceAll(/[[\]' ]/g, '')
        .split(','),
    ).toEqual([...['HOME', 'LANG', 'OPENBLAS_NUM_THREADS', 'PATH', 'TMPDIR']])
  })

  needs('landlock').each([
    ['the environment of the parent', `/proc/${process.pid}/environ`],
    ['the home', homedir()],
    ['the questions', path.join(packageRoot(), 'questions')],
    ['temporary files of others', tmpdir()],
    ['accounts', '/etc/passwd'],
  ])('%s', async (_name, file) => {
    expect(await seen(`open(${JSON.stringify(file)}).read()`, command)).toMatch(denied)
    expect(await seen(`__import__("os").listdir(${JSON.stringify(file)})`, command)).toMatch(denied)
  })

  needs('landlock')('judgments', async () => {
    await using folder = await temporaryFolder()
    const file = path.join(folder.path, 'ground_truth_judgment.jsonl')
    await writeFile(file, 'mine\n')
    expect(await seen(`open(${JSON.stringify(file)}, "a").write("forged")`, command)).toContain(
      'PermissionError',
    )
    expect(await readFile(file, 'utf8')).toBe('mine\n')
  })

  needs('seccomp')('the network', async () => {
    let connections = 0
    const server = createServer(socket => {
      connections++
      socket.destroy()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    const reply = await seen(`__import__("socket").create_connection(("127.0.0.1", ${port}), 2)`, command)
    await new Promise(resolve => server.close(resolve))
    expect(reply).toContain('PermissionError')
    expect(connections).toBe(0)
  })

  needs('seccomp').each(['os.fork()', 'os.kill(os.getppid(), 9)', 'os.execv("/bin/true", ["true"])'])(
    '%s',
    async call => {
      expect(
        await seen(`__import__("os").${call.slice(3).replaceAll('os.', '__import__("os").')}`, command),
      ).toContain('PermissionError')
    },
  )
})

test('when the grader is killed, what it ran is gone as well', async () => {
  await using folder = await temporaryFolder()
  const module = new URL('../../../src/livebench/grade/sandbox/process.ts', import.meta.url)
  const script = `
    const { SandboxProcess } = await import(${JSON.stringify(module.href)})
    const signal = new AbortController().signal
    const { process: child } = await SandboxProcess.start(${JSON.stringify(best?.command ?? [python])}, 'model', signal)
    await child.request({ do: 'load', code: 'import time\\ntime.sleep(600)', starred: false }, 10000, signal)
    child.request({ do: 'define' }, 600000, signal).catch(() => {})
    console.log('running')`
  const env = { ...process.env, TMPDIR: folder.path }
  const grader = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(grader.stdout, 'data')
  expect(running(folder.path)).not.toEqual([])
  grader.kill('SIGKILL')
  await once(grader, 'exit')
  await expect.poll(() => running(folder.path), { timeout: 30_000 }).toEqual([])
})

test('nothing is left: no process, no folder', async () => {
  const code = `import threading, time
def f(n):
    threading.Thread(target=time.sleep, args=(600,)).start()
    open("left", "w").write("behind")
    return ${SECRET}`
  await using folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  vi.stubEnv('TMPDIR', folder.path)
  try {
    expect(await scoreOf(functional(String(SECRET)), codeBlock(code))).toBe(1)
    expect(await readdir(folder.path)).toEqual([])
    await expect.poll(() => running(folder.path), { timeout: 30_000 }).toEqual([])
  } finally {
    vi.unstubAllEnvs()
  }
})

test('an abort ends what runs, and is no verdict', async () => {
  const found = await sandbox()
  if (!found) throw new Error('no sandbox here')
  const stop = new AbortController()
  const { process: child } = await SandboxProcess.start(found.command, 'model', stop.signal)
  await using running = child
  const code = 'def f(): \n    while True: pass'
  await running.request({ do: 'load', code, starred: true }, 10_000, stop.signal)
  const asked = running.request({ do: 'call', name: 'f', inputs: '' }, 60_000, stop.signal)
  stop.abort()
  await expect(asked).rejects.toThrow(/abort/i)
})

test('layers that are missing are named', async () => {
  const found = await probeSandbox(signal)
  expect(found?.layers.filter(layer => !Object.hasOwn(LAYERS, layer))).toEqual([])
  expect(sandboxWarnings({ command: ['python3'], layers: ['rlimits', 'landlock'] })).toEqual([
    expect.stringContaining('without namespaces'),
    expect.stringContaining('without seccomp'),
    expect.stringContaining('without unprivileged'),
  ])
  expect(sandboxWarnings(null)).toEqual([expect.stringContaining('No python3')])
})

/** Processes with this text in their arguments. */
function running(text: string): string[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n')
  return lines.filter(line => line.includes(text) && line.includes('launch.py'))
}
