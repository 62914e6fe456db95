import { existsSync, readFileSync } from 'node:fs'
import type { CredentialsDeps } from '../../../src/credentials/credentials.ts'
import type { VirtualClock } from './clock.ts'
import type { Process } from './runner.ts'

/** GitHub's tokens live so long. */
const TOKEN_MS = 10 * 60_000
const ANSWER_MS = 300

/** What the cloud takes the API server for. */
export class Identity {
  readonly #clock: VirtualClock
  /** Where tokens are kept that GitHub has signed; null: the job was given credentials that nobody renews. */
  tokenFile: string | null = null
  /** GitHub signs none any more. */
  refused = false
  /** Unix milliseconds: whatever was signed before is worth nothing since. */
  #revokedAt = Number.NEGATIVE_INFINITY
  readonly #signedAt = new Map<string, number>()

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  get valid(): boolean {
    if (this.tokenFile === null) return this.#revokedAt < 0
    const token = existsSync(this.tokenFile) ? readFileSync(this.tokenFile, 'utf8') : ''
    const signedAt = this.#signedAt.get(token)
    return signedAt !== undefined && signedAt > this.#revokedAt && this.#clock.now() < signedAt + TOKEN_MS
  }

  revoke(): void {
    this.#revokedAt = this.#clock.now()
  }

  /** GitHub, as a process asks it. */
  ask({ clock, runner }: Process): NonNullable<CredentialsDeps['ask']> {
    return async audience => {
      await clock.sleep(ANSWER_MS)
      if (this.refused || !runner.online) throw new Error('GitHub signs nothing')
      const signedAt = clock.now()
      const token = `${audience} ${this.#signedAt.size}`
      this.#signedAt.set(token, signedAt)
      return { token, expiresAt: signedAt + TOKEN_MS }
    }
  }
}
