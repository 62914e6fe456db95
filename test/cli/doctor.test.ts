import { stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Findings, renderFindings, wrap } from '../../src/cli/doctor-table.ts'

const FOUND: Findings = {
  machine: [{ what: 'node', status: 'ok', detail: 'v24.21.0' }],
  checks: [
    { what: 'credentials of aws', status: 'ok', detail: 'arn:aws:iam::1:user/ci; a key without end' },
    { what: 'quota of L4', status: 'failed', detail: '48 vCPUs, 96 needed', hint: 'Ask for more' },
    { what: 'quota of RunPod', status: 'unknown', detail: 'it cannot be asked' },
  ],
  offers: [{ vm: 'qwen-abcde', hourly: 1.81, spot: true, what: 'AWS g6.12xlarge L4:4' }],
  vms: ['qwen-abcde', 'client-abcde'],
  minutes: 70,
}

describe('lmrun doctor', () => {
  it('shows a mark, what was found, what to do, and what it costs', () => {
    expect(renderFindings(FOUND, { colours: false, width: 100 })).toMatchInlineSnapshot(`
      "This machine
        ✓ node                v24.21.0

      The run
        ✓ credentials of aws  arn:aws:iam::1:user/ci; a key without end
        ✗ quota of L4         48 vCPUs, 96 needed
                              → Ask for more
        ? quota of RunPod     it cannot be asked

      Price
          qwen-abcde              $1.81  an hour, AWS g6.12xlarge L4:4, spot
          together                $1.81  an hour, without client-abcde
          at the most             $2.11  for 70 minutes: the run's limit, and ending it

      A run would be refused: 1 ✗ above.
      "
    `)
  })

  it('says the same with colours', () => {
    const plain = renderFindings(FOUND, { colours: false, width: 100 })
    const painted = renderFindings(FOUND, { colours: true, width: 100 })
    expect(painted).not.toBe(plain)
    expect(stripVTControlCharacters(painted)).toBe(plain)
  })

  it('wraps without losing a word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,12}$/)),
        fc.integer({ min: 1, max: 40 }),
        (words, width) => {
          const lines = wrap(words.join(' '), width)
          expect(lines.join(' ')).toBe(words.join(' '))
          for (const line of lines) expect(line.length <= width || !line.includes(' ')).toBe(true)
        },
      ),
    )
  })
})
