import type { Clock } from '../clock.ts'
import { LmrunError } from '../errors.ts'
import { LABEL } from '../labels.ts'
import type { Join } from '../mesh-join.ts'
import { MESH, MESH_LABEL, serviceHost } from '../mesh-names.ts'
import { randomText } from '../mesh-token.ts'
import { cleanRun } from './clean.ts'
import type { MeshConnection } from './connection.ts'
import type { Mesh, Service, WaitOptions } from './mesh.ts'
import type { ProbeResult } from './probe.ts'
import { waitForEndpoint } from './ready.ts'
import { type JoinToken, mintToken, revokeToken } from './token.ts'

export interface RunConnection extends MeshConnection {
  /** The mesh outlives the run: what is of the run is taken out of it. */
  readonly stays: boolean
}

export interface K3sMeshOptions {
  readonly clock: Clock
  /** To main, once it is up. Rejects when there is no main, and will be none. */
  readonly connection: Promise<RunConnection>
  /** Hands a VM that has been launched its join file, as soon as that can be. */
  readonly hand: (vm: string, join: Join) => Promise<void>
  /** One look at the service from where it will be asked: the client's VM. */
  readonly probe: (service: Service & { readonly base: string }, signal: AbortSignal) => Promise<ProbeResult>
  /** Whose the run's VMs are: labels of src/labels.ts. Its token ends when they are nobody's any more. */
  readonly labels: Readonly<Record<string, string>>
  /** Ends what the connection needs. */
  readonly close: () => Promise<void>
}

/** Milliseconds between looks from the client, once the VM itself says that its server is ready. */
const PROBE_MS = 500

/** The second form of the mesh: VMs anywhere, joined by K3s, services by name. */
export function createK3sMesh(options: K3sMeshOptions): Mesh {
  return new K3sMesh(options)
}

class K3sMesh implements Mesh {
  readonly #options: K3sMeshOptions
  #token: Promise<JoinToken> | undefined

  constructor(options: K3sMeshOptions) {
    this.#options = options
  }

  async admit(vm: string): Promise<void> {
    const { connection, hand, labels } = this.#options
    const { main } = await connection
    // One token for all VMs of the run: it dies with it.
    this.#token ??= this.#mint()
    const { token, expiresAt } = await this.#token
    await hand(vm, { version: 1, main, token, expiresAt, launch: randomText(5), labels: { ...labels } })
  }

  async address({ name, port }: Service): Promise<string> {
    return `http://${serviceHost(name)}:${port}`
  }

  async waitUntilReady(service: Service, wait: WaitOptions): Promise<void> {
    const { clock, connection, probe } = this.#options
    const base = await this.address(service)
    const { kube } = await connection
    const until = clock.now() + wait.deadlineMs
    await waitForEndpoint(kube, service.name, { ...wait, clock })
    let seen = 'nothing'
    while (clock.now() < until) {
      const result = await probe({ ...service, base }, wait.signal)
      if (result.ready) return
      seen = result.seen
      await clock.sleep(PROBE_MS, wait.signal)
    }
    throw new LmrunError(`${service.name} is ready in the mesh, but the client does not reach it: ${seen}`, {
      hint: 'Look at `lmrun mesh status`, and whether UDP 51820 is open between the VMs.',
    })
  }

  async leave({ name }: Service): Promise<void> {
    const connection = await this.#connected()
    await connection?.kube.core.deleteCollectionNode({
      labelSelector: `${MESH_LABEL.vm}=${name},${this.#run()}`,
    })
  }

  async close(gone: readonly string[]): Promise<void> {
    try {
      const connection = await this.#connected()
      if (connection?.stays) await this.#takeOut(connection, gone)
    } finally {
      await this.#options.close()
    }
  }

  async #takeOut({ kube }: MeshConnection, gone: readonly string[]): Promise<void> {
    const token = await this.#token
    const revoked = token && revokeToken(kube, token.id)
    const objects = {
      deleteNodes: (labelSelector: string) => kube.core.deleteCollectionNode({ labelSelector }),
      deleteServices: (labelSelector: string) =>
        kube.core.deleteCollectionNamespacedService({ namespace: MESH.namespace, labelSelector }),
    }
    // Legs of a matrix are one run: what is this one's is told by its VMs' names.
    const own = `${this.#run()},${MESH_LABEL.vm} in (${gone.join(',')})`
    await Promise.all([revoked, gone.length > 0 && cleanRun(objects, own)])
  }

  /** Null when there is no main, and will be none: whoever waits to be let in is told why. */
  async #connected(): Promise<RunConnection | null> {
    return this.#options.connection.catch(() => null)
  }

  async #mint(): Promise<JoinToken> {
    const { connection, labels } = this.#options
    const { kube } = await connection
    return mintToken(kube, { labels, expiresAt: Number(labels[LABEL.expiry]) })
  }

  #run(): string {
    const { labels } = this.#options
    return `${LABEL.run}=${labels[LABEL.run]},${LABEL.attempt}=${labels[LABEL.attempt]}`
  }
}
