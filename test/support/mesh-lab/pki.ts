/** A throw-away certificate authority, by openssl, and kubeconfigs of those whom it vouches for. */
import { execFile } from 'node:child_process'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export class Pki {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** @param folder an empty folder */
  static async create(folder: string): Promise<Pki> {
    const pki = new Pki(folder)
    const ca = ['-keyout', pki.file('ca.key'), '-out', pki.file('ca.crt'), '-subj', '/CN=mesh-lab']
    await execute('openssl', [
      'req',
      '-x509',
      ...EC,
      ...ca,
      '-days',
      '30',
      '-addext',
      'keyUsage=critical,keyCertSign,digitalSignature',
    ])
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    await writeFile(pki.file('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
    await writeFile(pki.file('sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
    return pki
  }

  file(name: string): string {
    return path.join(this.folder, name)
  }

  async ca(): Promise<string> {
    return readFile(this.file('ca.crt'), 'utf8')
  }

  /** As in the first half of K3s's tokens. */
  async caHash(): Promise<string> {
    return createHash('sha256')
      .update(await this.ca())
      .digest('hex')
  }

  /** A server's certificate, with the authority's own behind it, so that a first visitor can see that. */
  async server(name: string, alternatives: readonly string[]): Promise<void> {
    await this.sign(name, `/CN=${name}`, [
      'extendedKeyUsage=serverAuth',
      `subjectAltName=${alternatives.join(',')}`,
    ])
    await appendFile(this.file(`${name}.crt`), await this.ca())
  }

  /** A client's certificate and kubeconfig. @returns the kubeconfig's path */
  async client(name: string, subject: string, server: string): Promise<string> {
    await this.sign(name, subject, ['extendedKeyUsage=clientAuth'])
    const file = this.file(`${name}.kubeconfig`)
    await writeFile(file, await this.kubeconfig(name, server), { mode: 0o600 })
    return file
  }

  /** Text of a kubeconfig for a client that has a certificate already. */
  async kubeconfig(name: string, server: string): Promise<string> {
    const [ca, cert, key] = await Promise.all(
      ['ca.crt', `${name}.crt`, `${name}.key`].map(async file => readFile(this.file(file))),
    )
    return kubeconfigText({ server, ca, cert, key })
  }

  private async sign(name: string, subject: string, extensions: readonly string[]): Promise<void> {
    const by = ['-CA', this.file('ca.crt'), '-CAkey', this.file('ca.key'), '-days', '30']
    const to = ['-keyout', this.file(`${name}.key`), '-out', this.file(`${name}.crt`), '-subj', subject]
    const all = ['basicConstraints=CA:FALSE', 'keyUsage=digitalSignature', ...extensions]
    await execute('openssl', ['req', '-x509', ...EC, ...by, ...to, ...all.flatMap(line => ['-addext', line])])
  }
}

interface Parts {
  readonly server: string
  readonly ca: Buffer | undefined
  readonly cert: Buffer | undefined
  readonly key: Buffer | undefined
}

/** JSON is YAML. */
export function kubeconfigText({ server, ca, cert, key }: Parts): string {
  const data = (content: Buffer | undefined) => content?.toString('base64')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'certificate-authority-data': data(ca) } }],
    users: [{ name: 'lab', user: { 'client-certificate-data': data(cert), 'client-key-data': data(key) } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'lab' } }],
    'current-context': 'lab',
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
