import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { explain, LmrunError } from '../errors.ts'
import { AT } from './paths.ts'
import type { System } from './system.ts'

/** The files of one release, and what they are by sha256. Source: the release's own sha256sum files. */
export interface K3sRelease {
  readonly version: string
  /** By `process.arch`. */
  readonly files: Readonly<Record<string, { readonly name: string; readonly sha256: string }>>
}

export const K3S_RELEASE: K3sRelease = {
  version: 'v1.34.3+k3s1',
  files: {
    x64: { name: 'k3s', sha256: 'f95350e3997165974d1d1406f01aabaf869aed7ca790cc2d83a92a82f26a06c5' },
    arm64: { name: 'k3s-arm64', sha256: 'fa37b06df7ae82b46de6679a8682b6ece2adf531709bed6299086716c1038147' },
  },
}

const RELEASES = 'https://github.com/k3s-io/k3s/releases/download'
const TRIES = 5
/** Milliseconds: 80 MB over a bad line, and between tries. */
const TRY_MS = 300_000
const PAUSE_MS = 2000

/**
 * Has the pinned K3s in its place. What does not have the right checksum never gets there; a download that was cut off
 * goes on where it ended. @returns whether anything was done
 * @throws LmrunError when it cannot be had, or what comes is something else
 */
export async function installK3s(system: System, release: K3sRelease = K3S_RELEASE): Promise<boolean> {
  const file = release.files[process.arch]
  if (!file) throw new LmrunError(`there is no K3s for ${process.arch}`, { hint: 'x64 and arm64 can join.' })
  const target = path.join(system.root, AT.k3s)
  if ((await sha256(target)) === file.sha256) return false
  const base = system.env.LMRUN_K3S_URL || `${RELEASES}/${encodeURIComponent(release.version)}`
  const url = `${base.replace(/\/$/, '')}/${file.name}`
  const part = `${target}.${release.version}.part`
  await mkdir(path.dirname(target), { recursive: true })
  await download(system, url, part)
  const actual = await sha256(part)
  if (actual !== file.sha256) {
    await rm(part, { force: true })
    throw new LmrunError(
      `${url} is not K3s ${release.version}: its sha256 is ${actual}, not ${file.sha256}`,
      {
        hint: 'Something between here and there changes it. LMRUN_K3S_URL names a folder of one’s own.',
      },
    )
  }
  await chmod(part, 0o755)
  await rename(part, target)
  return true
}

async function download({ clock, signal, log }: System, url: string, part: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetchRest(url, part, signal)
    } catch (cause) {
      signal.throwIfAborted()
      if (attempt === TRIES || cause instanceof LmrunError) {
        throw new LmrunError(`K3s could not be fetched from ${url}`, {
          cause,
          hint: 'Look whether the VM reaches it; LMRUN_K3S_URL names another folder that has it.',
        })
      }
      log(`${url}: ${explain(cause)}; again`)
      await clock.sleep(PAUSE_MS * attempt, signal)
    }
  }
}

/** Appends what is missing; a server that sends all of it again is heard, too. */
async function fetchRest(url: string, part: string, signal: AbortSignal): Promise<void> {
  const have = await stat(part).then(
    ({ size }) => size,
    () => 0,
  )
  const headers: Record<string, string> = have > 0 ? { range: `bytes=${have}-` } : {}
  const response = await fetch(url, {
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TRY_MS)]),
  })
  // Nothing is missing, or what is here is no part of it: the checksum tells.
  if (response.status === 416) return
  if (!response.ok || !response.body) {
    await response.body?.cancel()
    const message = `${url}: ${response.status} ${response.statusText}`
    // Another try does not help who is not there, or not let in.
    throw response.status < 500 && response.status !== 429 ? new LmrunError(message) : new Error(message)
  }
  const to = createWriteStream(part, { flags: response.status === 206 ? 'a' : 'w' })
  await pipeline(Readable.fromWeb(response.body), to)
}

/** Hex; null when there is no such file. */
async function sha256(file: string): Promise<string | null> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(file)) hash.update(chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  return hash.digest('hex')
}
