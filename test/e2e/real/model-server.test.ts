import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { diagnose } from '../../../src/fleet/diagnose.ts'
import { type Fleet, NO_RESOURCES } from '../../../src/fleet/fleet.ts'
import { forever, testFleet, until } from '../../fleet/local/support.ts'

const template = path.join(packageRoot(), 'templates', 'local', 'model-server.yaml')

function request(name: string, envs: Record<string, string>) {
  return {
    name,
    template,
    envs,
    secrets: {},
    leaseMinutes: 15,
    labels: {},
    resources: NO_RESOURCES,
    reuse: false,
  }
}

async function url(fleet: Fleet, vm: string): Promise<string> {
  const { host, port } = await fleet.endpoint(vm, 8000)
  return `http://${host}:${port}`
}

/** Waits until it serves; fails with its log when its job ends first. */
async function serving(fleet: Fleet, vm: string): Promise<string> {
  const base = await url(fleet, vm)
  await until(async () => {
    const { status } = await fleet.jobState({ vm, id: 1 })
    if (!['PENDING', 'SETTING_UP', 'RUNNING'].includes(status)) {
      throw new Error((await fleet.tailLog({ vm, id: 1 }, 40)).join('\n'))
    }
    return fetch(`${base}/health`).then(
      response => response.ok,
      () => false,
    )
  })
  return base
}

test('two real model servers side by side, one setup, and their end', async () => {
  // The caches of pip and uv are the user's; the setup is built here.
  await using t = await testFleet()
  const { fleet } = t
  await Promise.all([
    fleet.launch(request('qwen-coder', { MODEL: 'Qwen/Qwen2.5-Coder-32B-Instruct' }), forever()),
    fleet.launch(
      request('smol', { MODEL: 'bartowski/SmolLM2-135M-Instruct-GGUF', SERVE_OPTS: '--seed 7' }),
      forever(),
    ),
  ])
  const [base] = await Promise.all(['qwen-coder', 'smol'].map(name => serving(fleet, name)))

  const models = await (await fetch(`${base}/v1/models`)).json()
  expect(models).toMatchObject({ data: [{ id: 'qwen-coder' }] })
  const answer = await fetch(`${base}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'Say hello.' }],
      max_tokens: 1,
      temperature: 0,
    }),
  })
  expect(await answer.json()).toMatchObject({ model: 'qwen-coder', usage: { completion_tokens: 1 } })
  expect(await (await fetch(`${base}/metrics`)).text()).toContain('llamacpp:prompt_tokens_total')

  for (const [name, standIn] of [
    ['qwen-coder', true],
    ['smol', false],
  ] as const) {
    const to = path.join(t.home, `${name}.json`)
    expect(await fleet.fetch(name, 'served.json', to)).toBe(true)
    expect(JSON.parse(await readFile(to, 'utf8'))).toMatchObject({
      model: 'SmolLM2-135M-Instruct',
      context: 4096,
      standIn,
    })
  }
  const log = (await fleet.tailLog({ vm: 'qwen-coder', id: 1 }, 500)).join('\n')
  expect(log).toContain('SmolLM2-135M-Instruct stands in for Qwen/Qwen2.5-Coder-32B-Instruct')

  const failing = await fleet.launch(request('wrong', { SERVE_OPTS: '--tp 4' }), forever())
  expect(await fleet.jobEnd(failing, forever())).toEqual({ status: 'FAILED', exitCode: 2 })
  const lines = await fleet.tailLog(failing, 40)
  expect(lines[0]).toBe('lmrun: setup from cache')
  expect(diagnose(lines, 2)?.cause).toBe('bad flag')

  const ended = await fleet.down(['qwen-coder', 'smol', 'wrong'])
  expect(ended.map(({ verified }) => verified)).toEqual([true, true, true])
  expect(await t.processes()).toEqual([])
})
