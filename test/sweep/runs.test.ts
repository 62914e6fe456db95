import { describe, expect, it } from 'vitest'
import { DEAD_RUN, LIVE_RUN, runsOf, serveRuns } from './support/world.ts'

const attempt = '1'

describe('what GitHub says of runs', () => {
  it('tells live, over and deleted runs apart, and asks nobody about a laptop', async () => {
    await using github = await serveRuns()
    const runs = runsOf(github)
    expect(await runs.state({ run: LIVE_RUN, attempt })).toEqual({ state: 'live' })
    const endedAt = Date.parse('2026-01-01T00:00:00Z')
    expect(await runs.state({ run: DEAD_RUN, attempt })).toEqual({ state: 'over', endedAt })
    expect(await runs.state({ run: '9', attempt })).toEqual({ state: 'unheard' })
    expect(await runs.state({ run: 'local-a1', attempt })).toEqual({ state: 'unheard' })
  })

  it('takes no refusal for an end', async () => {
    await using github = await serveRuns({}, 403)
    const runs = runsOf(github)
    const state = await runs.state({ run: DEAD_RUN, attempt })
    expect(state).toMatchObject({ state: 'unknown', reason: expect.stringContaining('actions: read') })
    expect(await runs.anyLive()).toBe(true)
  })

  it('counts every live run but its own', async () => {
    await using github = await serveRuns({ 5: 'queued' })
    expect(await runsOf(github).anyLive()).toBe(true)
    expect(await runsOf(github, '5').anyLive()).toBe(false)
    await using idle = await serveRuns({ 5: 'completed' })
    expect(await runsOf(idle).anyLive()).toBe(false)
  })
})
