import { randomUUID } from 'node:crypto'
import { explain } from '../errors.ts'
import type { Requester } from './probe.ts'

/** Runs a script by a VM's bash, fed by standard input. */
export type RunScript = (
  script: string,
  signal: AbortSignal,
) => Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>

/** HTTP as the VM sees it, by its curl. Nothing of a request is in any argv: a header may hold a key. */
export function curlRequest(run: RunScript): Requester {
  return async (url, { method = 'GET', headers, body }, timeoutMs, signal) => {
    const wrong = Object.entries(headers ?? {}).find(([, value]) => NO_VALUE.test(value))
    if (wrong)
      return { status: 0, body: '', text: `the header ${wrong[0]} has signs that no header may have` }
    const options: [string, string][] = [
      ['url', url],
      ['request', method],
      ['max-time', String(Math.ceil(timeoutMs / 1000))],
      ['write-out', '\n%{http_code}'],
      ...Object.entries(headers ?? {}).map(([name, value]): [string, string] => [
        'header',
        `${name}: ${value}`,
      ]),
      ...(body === undefined ? [] : [['data-raw', body] as [string, string]]),
    ]
    const config = options.map(([name, value]) => `${name} = ${quoted(value)}`).join('\n')
    const end = `LMRUN_${randomUUID().replaceAll('-', '')}`
    const script = `curl --silent --show-error --config - << '${end}'\n${config}\n${end}\n`
    const { stdout, stderr } = await run(script, signal).catch(error => {
      signal.throwIfAborted()
      return { stdout: '', stderr: explain(error) }
    })
    const at = stdout.lastIndexOf('\n')
    const status = Number(stdout.slice(at + 1)) || 0
    const text = stdout.slice(0, Math.max(at, 0))
    const why = stderr.trim().split('\n').at(-1) || 'no answer'
    return { status, body: text, text: status === 0 ? why : `${status} ${text.slice(0, 200)}`.trim() }
  }
}

/** As fetch refuses them: a line break would begin another header. */
const NO_VALUE = /[\0\r\n]/

/** curl's own quotes: https://curl.se/docs/manpage.html#-K */
function quoted(value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return `"${escaped.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}"`
}
