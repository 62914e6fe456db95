/** How a node comes from a join token to an identity: what K3s's agent does first. */
import { execFile } from 'node:child_process'
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type DetailedPeerCertificate } from 'node:tls'
import { promisify } from 'node:util'
import { type Access, ApiError, call } from './api.ts'

const CSRS = '/apis/certificates.k8s.io/v1/certificatesigningrequests'

export interface Join {
  readonly server: string
  /** `ID.SECRET`, or K3s's secure form `K10<SHA-256 of the CA>::ID.SECRET`. */
  readonly token: string
  readonly nodeName: string
  readonly nodeIp: string
  readonly externalIp?: string
  readonly labels: Readonly<Record<string, string>>
}

/** The CA that the server shows; checked against the token's hash when that has one. @throws Error on a mismatch */
export async function serverCa({ server, token }: Join): Promise<string> {
  const ca = await patiently(() => shownCa(new URL(server)))
  const hash = /^K10([0-9a-f]{64})::/.exec(token)?.[1]
  if (hash !== undefined && hash !== createHash('sha256').update(ca).digest('hex')) {
    throw new Error('token CA hash does not match the Cluster CA certificate hash')
  }
  return ca
}

async function shownCa({ hostname, port }: URL): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      let certificate: DetailedPeerCertificate = socket.getPeerCertificate(true)
      while (certificate.issuerCertificate && certificate.issuerCertificate !== certificate)
        certificate = certificate.issuerCertificate
      socket.destroy()
      resolve(new X509Certificate(certificate.raw).toString())
    })
    socket.on('error', reject)
  })
}

/** Asks for the node's client certificate; the controller manager approves and signs. @throws Error when refused */
export async function clientCertificate(join: Join, ca: string): Promise<{ cert: string; key: string }> {
  const access: Access = { server: join.server, ca, token: join.token.replace(/^K10[^:]*::/, '') }
  const { request, key } = await signingRequest(join.nodeName)
  const name = `node-csr-${randomBytes(8).toString('hex')}`
  await patiently(() =>
    call(access, 'POST', CSRS, {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: Buffer.from(request).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'client auth'],
      },
    }),
  )
  for (;;) {
    const { status } = await patiently(() => call(access, 'GET', `${CSRS}/${name}`))
    if (status?.certificate) return { cert: Buffer.from(status.certificate, 'base64').toString(), key }
    const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed')
    if (refused) throw new Error(`the node's certificate was ${refused.type.toLowerCase()}`)
    await sleep(50)
  }
}

async function signingRequest(nodeName: string): Promise<{ request: string; key: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mesh-lab-csr-'))
  const [request, key] = [path.join(folder, 'csr'), path.join(folder, 'key')]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  try {
    const subject = `/O=system:nodes/CN=system:node:${nodeName}`
    await promisify(execFile)('openssl', [
      'req',
      '-new',
      ...curve,
      '-keyout',
      key,
      '-out',
      request,
      '-subj',
      subject,
    ])
    return { request: await readFile(request, 'utf8'), key: await readFile(key, 'utf8') }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A server that is not there yet is waited for, as K3s does; one that refuses is believed. */
export async function patiently<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) throw error
      console.error(`waiting for the server: ${(error as Error).message}`)
      await sleep(500)
    }
  }
}
