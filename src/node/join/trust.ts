import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import type { TLSSocket } from 'node:tls'
import { LmrunError } from '../../errors.ts'
import type { Join } from '../../mesh-join.ts'
import { hashOfCa } from '../../mesh-token.ts'

/** Milliseconds for main to answer. */
const ANSWER_MS = 10_000

export interface Where {
  readonly host: string
  readonly port: number
}

/**
 * The CA that a server shows to whoever asks, unverified: its bundle in PEM. What is no K3s has none at /cacerts; then
 * the end of its chain is it.
 */
export async function shownCa(where: Where, signal: AbortSignal): Promise<string> {
  const { status, body, chainEnd } = await ask(where, '/cacerts', { rejectUnauthorized: false }, signal)
  return status === 200 ? body : chainEnd
}

/** `K10<hash>::<id>.<secret>` */
export function splitToken(token: string): { readonly caHash: string; readonly secret: string } {
  const [hash = '', secret = ''] = token.split('::')
  return { caHash: hash.replace(/^K10/, ''), secret }
}

/** Whether what answers there is main: it has main's CA. */
export async function isMain(where: Where, { token }: Join, signal: AbortSignal): Promise<boolean> {
  const ca = await shownCa(where, signal).catch(() => {
    signal.throwIfAborted()
    return ''
  })
  return hashOfCa(ca) === splitToken(token).caHash
}

/**
 * Only when main has shown that it is main is it asked whether the token lets anybody in.
 * @throws LmrunError when it is not, or it does not
 */
export async function checkJoin(where: Where, join: Join, signal: AbortSignal): Promise<void> {
  const at = `${where.host}:${where.port}`
  const ca = await shownCa(where, signal).catch(cause => {
    signal.throwIfAborted()
    throw new LmrunError(`main does not answer at ${at}`, {
      cause,
      hint: 'Is it up, and TCP 6443 open to this VM? See docs/mesh.md.',
    })
  })
  const { caHash, secret } = splitToken(join.token)
  const hash = hashOfCa(ca)
  if (hash !== caHash) {
    throw new LmrunError(`what answers at ${at} is not main: its CA is ${hash}, not ${caHash}`, {
      hint: 'Main was made anew, or somebody is in between. The token was not sent.',
    })
  }
  const headers = { authorization: `Bearer ${secret}` }
  const { status } = await ask(where, '/api', { ca, headers }, signal).catch(cause => {
    signal.throwIfAborted()
    throw new LmrunError(`main at ${at} cannot be asked`, { cause })
  })
  if (status === 401) {
    throw new LmrunError(`main at ${at} does not know the token: it has expired, or was revoked`, {
      hint: 'The run that made it has ended, or main has made another. Launch this VM anew.',
    })
  }
  if (status !== 200 && status !== 403) throw new LmrunError(`main at ${at} answers ${status}`)
}

interface Asked {
  readonly rejectUnauthorized?: false
  readonly ca?: string
  readonly headers?: Readonly<Record<string, string>>
}

interface Answer {
  readonly status: number
  readonly body: string
  /** PEM of the last certificate that was shown. */
  readonly chainEnd: string
}

function ask({ host, port }: Where, path: string, options: Asked, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const within = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
  const sent = request({ host, port, path, ...options, agent: false, signal: within }, response => {
    const chainEnd = endOfChain(response.socket as TLSSocket)
    let body = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      body += chunk
    })
    response.on('error', reject)
    response.on('end', () => resolve({ status: response.statusCode ?? 0, body, chainEnd }))
  })
  sent.on('error', reject)
  sent.end()
  return promise
}

function endOfChain(socket: TLSSocket): string {
  let certificate = socket.getPeerCertificate(true)
  while (certificate.issuerCertificate && certificate.issuerCertificate !== certificate)
    certificate = certificate.issuerCertificate
  return certificate.raw ? new X509Certificate(certificate.raw).toString() : ''
}
