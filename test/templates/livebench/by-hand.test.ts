import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { expect, test } from 'vitest'
import { startOpenAiServer } from '../../support/openai-server.ts'
import { Scene } from './scene.ts'

/** The name of a service has no address here, so a proxy is asked for it; at first nothing is behind it. */
async function startProxy(port: number) {
  const asked: string[] = []
  const proxy = http.createServer((request, response) => {
    asked.push(request.url ?? '')
    if (asked.length === 1) return void response.writeHead(503).end()
    const { method, headers } = request
    const { pathname: path } = new URL(request.url ?? '')
    const behind = http.request({ port, method, headers, path }, reply => {
      response.writeHead(reply.statusCode ?? 500, reply.headers)
      reply.pipe(response)
    })
    request.pipe(behind)
  })
  await once(proxy.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return { url, asked, [Symbol.asyncDispose]: async () => void proxy.close() }
}

test('launched by hand it does all: setup, then waits by name, answers, grades and shows the table', async () => {
  await using server = await startOpenAiServer({ alias: 'qwen-coder' })
  await using hub = await Scene.create()
  const questions = await hub.questions('hub', [
    { id: 'a' },
    { id: 'b', task: 'completing', truth: 'another' },
    { id: 'c', released: '2025-05-30' },
    { id: 'd', removed: '2024-08-31' },
  ])
  await using scene = await Scene.create({ hub: questions })
  const installed = await scene.setup({ SERVER: 'qwen-coder' })
  expect(installed, installed.err).toMatchObject({ code: 0 })
  await using proxy = await startProxy(server.port)
  const ran = await scene.run({
    SERVER: 'qwen-coder',
    http_proxy: proxy.url,
    LIVEBENCH_API_KEY: 'sk-very-secret',
  })
  expect(ran, ran.out + ran.err).toMatchObject({ code: 0 })

  expect(ran.out).toContain(`LiveBench ${scene.liveBench.commit}, release 2024-11-25, 2 questions`)
  expect(ran.out).toContain(
    'waiting for qwen-coder at http://qwen-coder.default.svc.cluster.local:8000/v1: it says 503',
  )
  expect(ran.out).toMatch(/answered 2 of 2[\s\S]*2 expected, 2 scored, 0 errors/)
  expect(ran.out).toMatch(/All Groups[\s\S]*qwen-coder {2}50\.0 {2}50\.0/)
  const files = await readdir(path.join(scene.work, 'data/runs/qwen-coder'))
  expect(files).toEqual(
    expect.arrayContaining([
      'all_groups.csv',
      'df_raw.csv',
      'gen_api_answer.stdout',
      'gen_judgment.stdout',
      'show.stdout',
      'manifest.json',
    ]),
  )
  expect(await scene.manifest('qwen-coder')).toMatchObject({
    schema: 'lmrun.livebench/v1',
    livebench: scene.liveBench,
    benchmark: ['live_bench/coding'],
    release: '2024-11-25',
    questions: { source: 'hub', count: 2 },
    counts: { expected: 2, scored: 2, errors: 0, graderErrors: 0, excluded: 0, missing: 0 },
    phases: [{ name: 'answer' }, { name: 'grade' }],
  })
  expect(server.requests.map(({ authorization }) => authorization)).toEqual(
    Array(2).fill('Bearer sk-very-secret'),
  )
})
