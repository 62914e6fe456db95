import { mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Clock } from '../clock.ts'
import type { Env } from '../env.ts'
import { explain } from '../errors.ts'
import { writeAtomically } from '../files.ts'
import { askForIdToken } from './id-token.ts'
import { type CloudIdentity, type CredentialsPlan, planCredentials } from './plan.ts'

/** Who the run is in the clouds, for as long as it is open. */
export interface Credentials extends AsyncDisposable {
  /** The environment of every `sky` call: the given one, with what leads to the tokens, without what would win over. */
  readonly env: Env
  /** Fetches every token anew. Rejects when one could not be had. */
  renew(): Promise<void>
}

export interface CredentialsDeps {
  readonly env: Env
  readonly clock: Clock
  /** Keeps a token out of logs. */
  readonly mask: (token: string) => void
  readonly warn: (text: string) => void
  /** Who signs the tokens; GitHub when absent. */
  readonly ask?: typeof askForIdToken
}

const LOOK_MS = 60_000
/** GitHub's tokens live for 5 to 10 minutes: two looks before the end. */
const EARLY_MS = 150_000

/**
 * Writes the tokens and renews them until disposed, which removes them. Without roles in the options nothing is
 * touched. The files' names are the same for main and post, so that an API server that main started goes on with what
 * post renews. With a shared API server the credentials are its own.
 * @throws InputError for roles that cannot work, LmrunError when GitHub gives no token
 */
export async function openCredentials(identity: CloudIdentity, deps: CredentialsDeps): Promise<Credentials> {
  const { env, clock, mask, warn, ask = askForIdToken } = deps
  const folder = path.join(env.RUNNER_TEMP || tmpdir(), 'lmrun-credentials')
  const plan = env.SKYPILOT_API_SERVER_ENDPOINT ? null : planCredentials(identity, { env, folder })
  if (!plan || plan.tokens.length === 0) return UNTOUCHED(env)
  const expiries = new Map<string, number>()
  const refresh = async (due: (expiresAt: number) => boolean) => {
    const wanted = plan.tokens.filter(({ file }) => due(expiries.get(file) ?? 0))
    await Promise.all(
      wanted.map(async ({ audience, file }) => {
        const { token, expiresAt } = await ask(audience, env)
        mask(token)
        if (closed) return
        await writeAtomically(file, token, { mode: 0o600 })
        expiries.set(file, expiresAt)
      }),
    )
  }
  let closed = false
  let last: Promise<void> = Promise.resolve()
  const renew = (due: (expiresAt: number) => boolean) => {
    const work = last.then(() => refresh(due))
    last = work.catch(() => {})
    return work
  }
  await writeDocuments(folder, plan)
  await renew(() => true)
  const timer = clock.every(LOOK_MS, () => {
    renew(expiresAt => expiresAt - clock.now() < EARLY_MS).catch(error =>
      warn(`cloud credentials could not be renewed, tried again in a minute: ${explain(error)}`),
    )
  })
  return {
    env: { ...env, ...plan.env },
    renew: () => renew(() => true),
    async [Symbol.asyncDispose]() {
      closed = true
      timer[Symbol.dispose]()
      await last
      for (const { file } of [...plan.tokens, ...plan.documents]) await rm(file, { force: true })
    },
  }
}

const UNTOUCHED = (env: Env): Credentials => ({
  env,
  renew: async () => {},
  [Symbol.asyncDispose]: async () => {},
})

async function writeDocuments(folder: string, { documents }: CredentialsPlan): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const { file, value } of documents) await writeAtomically(file, JSON.stringify(value), { mode: 0o600 })
}
