import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'

/**
 * Secrets for a job on a running VM go through its folder, so they are sealed for the keeper's key, whose private
 * half never leaves its memory: X25519 with a key of one use, HKDF, AES-256-GCM.
 */
export interface Sealed {
  readonly publicKey: string
  readonly text: string
}

/** The zero nonce is sound because every message has a key of its own. */
const NONCE = Buffer.alloc(12)
const TAG_BYTES = 16

export function createKey(): { readonly publicKey: string; readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  return { publicKey: exported(publicKey), privateKey }
}

export function seal(text: string, receiver: string): Sealed {
  const { publicKey, privateKey } = createKey()
  const cipher = createCipheriv('aes-256-gcm', sharedKey(privateKey, receiver), NONCE)
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { publicKey, text: sealed.toString('base64') }
}

/** @throws when it was sealed for another key, or changed on the way */
export function unseal({ publicKey, text }: Sealed, privateKey: KeyObject): string {
  const sealed = Buffer.from(text, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', sharedKey(privateKey, publicKey), NONCE)
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
}

function sharedKey(privateKey: KeyObject, theirs: string): Buffer {
  const publicKey = createPublicKey({ key: Buffer.from(theirs, 'base64'), format: 'der', type: 'spki' })
  const secret = diffieHellman({ privateKey, publicKey })
  return Buffer.from(hkdfSync('sha256', secret, '', 'lmrun secrets', 32))
}

function exported(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64')
}
