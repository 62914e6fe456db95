import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Clock, systemClock } from '../../clock.ts'
import { LmrunError } from '../../errors.ts'
import { exists } from '../../files.ts'
import { stopServerArgs } from './argv.ts'
import { askRequests, askStatus, isLaunching } from './queries.ts'
import type { SkyCli } from './types.ts'

/** Where SkyPilot's API server listens on this machine, unless SKYPILOT_API_SERVER_LOCAL_PORT says otherwise. */
const LOCAL_PORT = '46580'
const ANSWER_MS = 2000
/** A dry run, or a launch that was called off, is over in this time; another will make a VM. */
const LAUNCHES_MS = 30_000
const AGAIN_MS = 1000

export interface ApiServerOptions {
  readonly cli: SkyCli
  /** Where it is noted that the server is ours: a later process may be the one to stop it. */
  readonly folder: string
  /** SKYPILOT_API_SERVER_ENDPOINT is set: a server of others, which is never stopped. */
  readonly shared: boolean
  /** Whether a server runs on this machine; asks its health by default. */
  readonly answers?: () => Promise<boolean>
  readonly clock?: Clock
  /** Milliseconds that launches under way get. */
  readonly launchesMs?: number
}

/** SkyPilot's API server on this machine (2 GB): the first call of `sky` starts it, and who did that stops it. */
export class ApiServer {
  readonly #options: ApiServerOptions
  #noticed: Promise<void> | undefined

  constructor(options: ApiServerOptions) {
    this.#options = options
  }

  /** To be called once `sky` is there and before it runs: notes that there is no server yet, so the one to come is ours. */
  notice(): Promise<void> {
    this.#noticed ??= this.#notice()
    return this.#noticed
  }

  /** Also one that an earlier process of this job started, or was about to. */
  isOurs(): Promise<boolean> {
    return exists(this.#marker())
  }

  /** Stops a server that is ours and that nobody needs: no VM is left to end itself by it, and none is being made. */
  async stop(): Promise<void> {
    const { cli, shared } = this.#options
    if (shared || !(await this.isOurs())) return
    if (await this.#isNeeded()) return
    const { exitCode, stderr } = await cli.run(stopServerArgs(), { timeoutMs: 60_000 })
    if (exitCode !== 0) {
      const hint = 'Stop it: sky api stop'
      throw new LmrunError(`SkyPilot's API server could not be stopped: ${stderr.trim()}`, { hint })
    }
    await rm(this.#marker(), { force: true })
  }

  async #isNeeded(): Promise<boolean> {
    const { cli, clock = systemClock, launchesMs = LAUNCHES_MS } = this.#options
    const deadline = clock.now() + launchesMs
    for (;;) {
      const [vms, requests] = await Promise.all([askStatus(cli, []), askRequests(cli)])
      if (!vms.ok || vms.value.length > 0 || !requests.ok) return true
      // The two looks see each other among the requests: only a launch is a reason to stay.
      if (!requests.value.some(isLaunching)) return false
      if (clock.now() >= deadline) return true
      await clock.sleep(AGAIN_MS)
    }
  }

  async #notice(): Promise<void> {
    const { shared, answers = () => localServerAnswers(), folder } = this.#options
    if (shared || (await answers())) return
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(this.#marker(), '')
  }

  #marker(): string {
    return path.join(this.#options.folder, 'api-server-is-ours')
  }
}

/** Every call goes through here, so that none starts a server unnoticed, or begins when all were ended. */
export function noticing(cli: SkyCli, server: () => ApiServer, closed: AbortSignal): SkyCli {
  return {
    ready: () => cli.ready(),
    run: async (args, call) => {
      await cli.ready()
      await server().notice()
      closed.throwIfAborted()
      return cli.run(args, call)
    },
    endAll: () => cli.endAll(),
  }
}

/** Whether an API server runs on this machine. */
export async function localServerAnswers(port = LOCAL_PORT): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  return fetch(`http://127.0.0.1:${port}/api/health`, { signal }).then(
    async response => {
      await response.body?.cancel()
      return true
    },
    () => false,
  )
}
