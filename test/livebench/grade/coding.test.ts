import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Question } from '../../../src/livebench/types.ts'
import { codeBlock, functional, program, question, scoreOf, tested, verdictOf } from './support.ts'

describe('LCB_generation', () => {
  test.each([
    ['a method', 'class Solution:\n    def f(self, n):\n        return n * 2', '6', 1],
    ['a function', 'def f(n):\n    return n * 2', '6', 1],
    ['a function beside a class Solution', 'class Solution: pass\ndef f(n):\n    return n * 2', '6', 0],
    ['another name', 'def g(n):\n    return n * 2', '6', 0],
    ['a tuple for a list', 'def f(n):\n    return (n, (n,))', '[3, [3]]', 1],
    ['number keys', 'def f(n):\n    return {n: 1}', '{"3": 1}', 1],
    [
      'LiveCodeBench imports',
      'def f(n: int) -> List[int]:\n    return list(accumulate([n, n]))',
      '[3, 6]',
      1,
    ],
    ['a set', 'def f(n):\n    return {n}', '[3]', 0],
    ['prints beside it', 'def f(n):\n    print("debug")\n    return n', '3', 1],
    ['a syntax error', 'def f(n:', '3', 0],
    ['main beside it', 'def f(n):\n    return n\nif __name__ == "__main__":\n    print(input())', '3', 1],
    ['a data class', '@dataclasses.dataclass\nclass A:\n    n: int\ndef f(n):\n    return A(n).n', '3', 0],
    [
      'an import of its own',
      'from dataclasses import dataclass\n@dataclass\nclass A:\n    n: int\ndef f(n):\n    return A(n).n',
      '3',
      1,
    ],
  ])('%s', async (_name, code, output, score) => {
    expect(await scoreOf(functional(output), codeBlock(code))).toBe(score)
  })

  test('takes the last block, and none that is not closed', async () => {
    const [good, bad] = [codeBlock('def f(n):\n    return n'), codeBlock('def f(n):\n    return 0')]
    expect(await scoreOf(functional('3'), `${bad}\nBetter:\n${good}`)).toBe(1)
    expect(await scoreOf(functional('3'), `${good}\nBetter:\n${bad}`)).toBe(0)
    expect(await scoreOf(functional('3'), good.slice(0, -3))).toBe(0)
  })

  test('gets one argument a line, and number keys in a first object', async () => {
    expect(
      await scoreOf(functional('"3b"', '3\n"b"'), codeBlock('def f(a, b):\n    return str(a) + b')),
    ).toBe(1)
    expect(await scoreOf(functional('5', '{"3": 5}'), codeBlock('def f(d):\n    return d[3]'))).toBe(1)
    expect(await scoreOf(functional('5', '{"a": 5}'), codeBlock('def f(d):\n    return d["a"]'))).toBe(1)
  })

  test('every test must pass, and state stays within a test of a program', async () => {
    const cases = ['1', '2', '3'].map(n => ({ input: n, output: n, testtype: 'functional' }))
    const many: Question = { ...functional('3'), public_test_cases: JSON.stringify(cases) }
    expect(await scoreOf(many, codeBlock('def f(n):\n    return n'))).toBe(1)
    expect(await scoreOf(many, codeBlock('def f(n):\n    return n if n < 3 else 0'))).toBe(0)
  })

  test('reads tests as LiveBench publishes them', async () => {
    const json = JSON.stringify([{ input: '3', output: '9', testtype: 'functional' }])
    for (const pickle of pickles(json)) {
      const asked = { ...functional('0'), private_test_cases: deflateSync(pickle).toString('base64') }
      expect(await scoreOf(asked, codeBlock('def f(n):\n    return n * n'))).toBe(1)
      expect(await scoreOf(asked, codeBlock('def f(n):\n    return n'))).toBe(0)
    }
  })
})

/** Python's pickle.dumps of a text, in protocols 3 and 4. */
function pickles(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  const size = Buffer.alloc(4)
  size.writeUInt32LE(bytes.length)
  const frame = Buffer.alloc(8)
  frame.writeBigUInt64LE(BigInt(bytes.length + 4))
  const short = Buffer.from([0x8c, bytes.length])
  return [
    Buffer.concat([Buffer.from([0x80, 3, 0x58]), size, bytes, Buffer.from([0x71, 0, 0x2e])]),
    Buffer.concat([Buffer.from([0x80, 4, 0x95]), frame, short, bytes, Buffer.from([0x94, 0x2e])]),
  ]
}

describe('programs', () => {
  test.each([
    ['lines', 'a = input()\nb = input()\nprint(b)\nprint(a)', 1],
    ['bytes', 'import sys\nsys.stdout.buffer.write(b"\\n".join(sys.stdin.buffer.read().split()[::-1]))', 1],
    ['all at once', 'print(*reversed(sys.stdin.read().split()), sep="\\n")', 1],
    [
      'main',
      'def main():\n    print(*[input(), input()][::-1], sep="\\n")\nif __name__ == "__main__":\n    main()',
      1,
    ],
    ['an exit at the end', 'print("y")\nprint("x")\nexit()', 1],
    ['an error at the end', 'print("y")\nprint("x")\n1 / 0', 0],
    ['too much input asked for', 'print("y")\nprint("x")\ninput()\ninput()\ninput()', 0],
    ['another output', 'print("x")', 0],
  ])('%s', async (_name, code, score) => {
    expect(await scoreOf(program('x\ny\n', 'y\nx\n'), codeBlock(code))).toBe(score)
  })
})

describe('coding_completion', () => {
  const asked: Question = {
    ...functional('6'),
    task: 'coding_completion',
    partial_solution: 'class Solution:\n    def f(self, n):\n        m = n * 2',
  }
  test.each([
    ['the rest', '        return m', 1],
    ['all of it', 'class Solution:\n    def f(self, n):\n        m = n * 2\n        return m', 1],
    ['the rest without its indentation', 'return m', 0],
    ['nothing', '', 0],
  ])('%s', async (_name, code, score) => {
    expect(await scoreOf(asked, codeBlock(code))).toBe(score)
  })
})

describe('code_generation', () => {
  test.each([
    ['values', ['self.assertEqual(f(3), [1, {"a": (2,)}])'], 'return [1, {"a": (2,)}]', 1],
    ['types', ['self.assertIsInstance(f(3), tuple)'], 'return [1]', 0],
    ['exceptions', ['self.assertRaises(KeyError, f, 3)'], 'raise KeyError(n)', 1],
    [
      'messages',
      ['with self.assertRaisesRegex(ValueError, "^bad 3$"): f(3)'],
      'raise ValueError(f"bad {n}")',
      1,
    ],
    ['other exceptions', ['self.assertRaises(KeyError, f, 3)'], 'raise ValueError', 0],
    [
      'exceptions of its own',
      ['self.assertRaises(RuntimeError, f, 3)'],
      'class E(Exception): pass\n    raise E',
      1,
    ],
    ['arguments in place', ['a = [2, 1]; f(a); self.assertEqual(a, [1, 2])'], 'n.sort()', 1],
    ['keywords', ['self.assertEqual(f(n=3), 3)'], 'return n', 1],
    ['what is printed', ['import io, contextlib; o = io.StringIO()', 'pass'], 'print(n)', 1],
    ['one test of two', ['self.assertEqual(f(1), 1)', 'self.assertEqual(f(2), 1)'], 'return n', 0],
  ])('%s', async (_name, assertions, body, score) => {
    expect(await scoreOf(tested(...assertions), codeBlock(`def f(n):\n    ${body}`))).toBe(score)
  })

  test('what is printed can be captured', async () => {
    const asked = tested(
      'import io, contextlib\n        with contextlib.redirect_stdout(io.StringIO()) as o: f(3)\n        self.assertEqual(o.getvalue(), "3\\n")',
    )
    expect(await scoreOf(asked, codeBlock('def f(n):\n    print(n)'))).toBe(1)
  })

  test('tests may use other functions of the answer, and the imports of the prompt', async () => {
    const asked = {
      ...tested('self.assertEqual(f(3), g(3) + math.floor(0.5))'),
      code_prompt: 'import math\ndef f(n):\n',
    }
    expect(await scoreOf(asked, codeBlock('def g(n):\n    return n\ndef f(n):\n    return g(n)'))).toBe(1)
  })

  test('a function cannot stand in for what the tests use', async () => {
    const asked = tested('self.assertTrue(isinstance(f(3), str))', 'self.assertEqual(len(f(3)), 2)')
    const code = 'def f(n):\n    return 1\ndef isinstance(*a):\n    return True\ndef len(a):\n    return 2'
    expect(await scoreOf(asked, codeBlock(`${code}\ndef load_tests(*a):\n    return None`))).toBe(0)
  })

  test('tests that do not run are the question’s fault', async () => {
    const asked = question({ ...tested('pass'), tests: 'import there_is_no_such_module' })
    const verdict = await verdictOf(asked, codeBlock('def f(n):\n    return n'))
    expect(verdict.error).toContain("ModuleNotFoundError: No module named 'there_is_no_such_module'")
    expect((await verdictOf(question({ ...tested(), tests: 'x = 1' }), codeBlock('f = 1'))).error).toContain(
      'no test',
    )
  })

  test('tests that the answer breaks are not', async () => {
    const asked = question({ ...tested('pass'), tests: `expected = f(1)\n${tested('pass').tests}` })
    expect(await scoreOf(asked, codeBlock('def f(n):\n    raise ValueError'))).toBe(0)
  })
})
