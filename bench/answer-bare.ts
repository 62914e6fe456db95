/**
 * The least that can be sent: given bodies, so many at a time, replies thrown away unread. A connection each: llama.cpp
 * closes them after a streamed reply, whatever its headers say, and on one machine they cost nothing. What a server needs for these requests is what this needs. Used by bench/answer.ts:
 *
 *   node bench/answer-bare.ts <api base> <file with one body a line> <parallel>
 *
 * Prints the milliseconds from the first request to the end of the last reply.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'

const [apiBase = '', file = '', parallel = '1'] = process.argv.slice(2)
const bodies = readFileSync(file, 'utf8').trim().split('\n')
const headers = { 'content-type': 'application/json', authorization: 'Bearer EMPTY' }

const startedAt = performance.now()
let next = 0
await Promise.all(Array.from({ length: Number(parallel) }, worker))
console.log(performance.now() - startedAt)

async function worker(): Promise<void> {
  for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) await send(body)
}

async function send(body: string): Promise<void> {
  const request = http.request(`${apiBase}/chat/completions`, { method: 'POST', headers, agent: false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
  response.resume()
  await once(response, 'end')
}
