import pLimit from 'p-limit'
import { explain, LmrunError } from '../errors.ts'
import { downArgs } from '../fleet/sky/argv.ts'
import { type Read, readJson, type SkyVm, statusSchema } from '../fleet/sky/output.ts'
import type { SkyCli } from '../fleet/sky/types.ts'
import type { Found, SweepSource } from './found.ts'

/** Of all users of a server that many share. */
const STATUS_MS = 180_000
const DOWN_MS = 240_000
/** A call of `sky` takes a process of some hundred megabytes. */
const SIDE_BY_SIDE = 4

/**
 * What a SkyPilot API server knows, of all users. `sky status -o json` shows the labels that the VM was launched with
 * (`launched_resources.labels`: sky/backends/backend_utils.py of SkyPilot 0.14.1). A VM that shows none, for whatever
 * reason, is not known to be ours, and is left: a name proves nothing.
 */
export function createSkySource(cli: SkyCli): SweepSource {
  const status = async (names: readonly string[], signal: AbortSignal) => {
    const args = ['status', ...(names.length > 0 ? names : ['-u']), '-o', 'json']
    return read(readJson(statusSchema, await cli.run(args, { signal, timeoutMs: STATUS_MS })))
  }
  return {
    name: 'sky',
    // The server's own word, not the clouds' (`-r`): `sky down` of a VM that is gone already harms nobody.
    find: async signal => ({ found: (await status([], signal)).map(foundOf), problems: [] }),
    end: async (found, signal) => {
      const limit = pLimit(SIDE_BY_SIDE)
      const failures = await Promise.all(
        found.map(({ id }) =>
          limit(async () => {
            const { exitCode, stderr, stdout } = await cli
              .run(downArgs(id), { signal, timeoutMs: DOWN_MS })
              .catch(error => ({ exitCode: -1, stdout: '', stderr: explain(error) }))
            const said = (stderr || stdout).trim().split('\n').at(-1) ?? ''
            return exitCode === 0 ? [] : [[id, `sky down -y ${id} failed: ${said}`] as const]
          }),
        ),
      )
      return new Map(failures.flat())
    },
    // `sky down` exits 0 for names that it does not know: only `sky status` proves an end.
    remaining: async (found, signal) => {
      const names = found.map(({ id }) => id)
      const left = (await status(names, signal)).filter(({ name }) => names.includes(name))
      return new Map(left.map(vm => [vm.name, `sky status still lists it as ${vm.status}`]))
    },
  }
}

function foundOf(vm: SkyVm): Found {
  return {
    source: 'sky',
    kind: 'vm',
    id: vm.name,
    name: vm.name,
    place: [vm.cloud, vm.region].filter(Boolean).join(' ').toLowerCase(),
    labels: vm.labels,
    createdAt: vm.launched_at === null ? null : vm.launched_at * 1000,
    state: vm.status === 'STOPPED' ? 'stopped' : 'up',
  }
}

function read(result: Read<readonly SkyVm[]>): readonly SkyVm[] {
  if (!result.ok) throw new LmrunError(`sky status cannot be read: ${result.reason}`)
  return result.value
}
