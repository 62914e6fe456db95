import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Owner, ownerLabels, readOwner, repositoryLabel } from '../src/labels.ts'

const owners: fc.Arbitrary<Owner> = fc.record({
  run: fc.oneof(fc.bigInt({ min: 1n, max: 10n ** 15n }).map(String), fc.constant('local-k3x9a')),
  attempt: fc.integer({ min: 1, max: 99 }).map(String),
  repository: fc.option(fc.stringMatching(/^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9._-]{1,100}$/)),
  expiry: fc.integer({ min: 1, max: 10 ** 11 }),
  ending: fc.constantFrom('down', 'keep'),
})

describe('labels of an owner', () => {
  it('are valid on every cloud', () => {
    fc.assert(
      fc.property(owners, owner => {
        for (const [key, value] of Object.entries(ownerLabels(owner))) {
          expect(key).toMatch(/^[a-z][a-z0-9_-]{0,62}$/)
          expect(value).toMatch(/^[a-z0-9_-]{1,63}$/)
        }
      }),
    )
  })

  it('are read back as they were written', () => {
    fc.assert(
      fc.property(owners, owner => {
        const repository = owner.repository === null ? null : repositoryLabel(owner.repository)
        expect(readOwner(ownerLabels(owner))).toEqual({ ...owner, repository })
      }),
    )
  })

  it('tell repositories apart that look alike, and not by case', () => {
    expect(repositoryLabel('acme/a.b')).not.toBe(repositoryLabel('acme/a-b'))
    expect(repositoryLabel('acme-a/b')).not.toBe(repositoryLabel('acme/a-b'))
    expect(repositoryLabel('Acme/B')).toBe(repositoryLabel('acme/b'))
    expect(repositoryLabel('Acme/Widgets.js')).toMatch(/^acme-widgets-js-[0-9a-f]{12}$/)
  })

  it.each([
    ['a label is missing', { 'lmrun-expiry': undefined }],
    ['the run is no id', { 'lmrun-run': 'x'.repeat(9) }],
    ['the expiry is no time', { 'lmrun-expiry': 'soon' }],
    ['the ending is not one of ours', { 'lmrun-ending': 'burn' }],
  ])('are nobody of ours when %s', (_, change) => {
    const labels = ownerLabels({ run: '7', attempt: '1', repository: 'o/r', expiry: 5, ending: 'down' })
    const changed = Object.entries({ ...labels, ...change }).filter(([, value]) => value !== undefined)
    expect(readOwner(Object.fromEntries(changed) as Record<string, string>)).toBeNull()
  })
})
