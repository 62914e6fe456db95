/** A world whose VMs are machines of a mesh lab: `sky launch` makes one, `sky down` makes it vanish. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { packageRoot } from '../../src/env.ts'
import { type MeshLab, startMeshLab } from './mesh-lab/lab.ts'
import type { Machine } from './mesh-lab/machine.ts'
import { createSkyE2e, type SkyWorld } from './sky-e2e.ts'
import type { MakeInside } from './sky-stand-in/cloud.ts'

export interface MeshWorld extends SkyWorld {
  readonly lab: MeshLab
}

/** A lab's main is the first VM that is called main: it has its control plane from the start. */
const MAIN = /^main(-|$)/
/** What takes K3s's place: see mesh-lab-start.ts. */
const START = '/opt/lmrun-test/start'

/** @param start lines of sh in the place of what starts K3s on main */
export async function createMeshWorld({ start }: { readonly start?: string } = {}): Promise<MeshWorld> {
  const lab = await startMeshLab({ vms: [] })
  const sky = await createSkyE2e({ inside: machinesOf(lab, start) })
  return {
    ...sky,
    lab,
    async [Symbol.asyncDispose]() {
      await sky[Symbol.asyncDispose]()
      await lab.stop()
    },
  }
}

/** Each VM is a machine of its own in the lab's network; main goes with the whole control plane. */
function machinesOf(lab: MeshLab, start: string | undefined): MakeInside {
  let hasMain = false
  return async ({ id, name }) => {
    const isMain = MAIN.test(name)
    if (isMain && hasMain) throw new Error('a lab has one main')
    hasMain ||= isMain
    // A VM that is launched again is another one, of the same name.
    const { machine, address, forward } = isMain ? lab.main : await lab.addVm(id)
    await furnish(machine, isMain ? start : undefined)
    return {
      address,
      path: ['/usr/local/sbin', '/usr/sbin', '/sbin'],
      env: { LMRUN_K3S_START: START },
      enter: (command, args, cwd) => machine.enter(command, args, cwd),
      forward: port => forward(port),
      end: () => lab.vanish(isMain ? 'main' : id),
    }
  }
}

/** systemd, and what takes K3s's place. */
async function furnish(machine: Machine, start: string | undefined): Promise<void> {
  const exec = (file: string) => `exec ${process.execPath} ${path.join(import.meta.dirname, file)} "$@"`
  const script = (lines: string) => `#!/bin/sh\n${lines}\n`
  await mkdir(machine.file(path.dirname(START)), { recursive: true })
  await writeFile(machine.file(START), script(start ?? exec('mesh-lab-start.ts')), { mode: 0o755 })
  await writeFile(machine.file('/usr/local/bin/systemctl'), script(exec('systemctl/systemctl.ts')), {
    mode: 0o755,
  })
}

/**
 * Folder with the small model server and its model, in `venv`: a VM of the lab has no way to a package index. Made
 * once for all runs of the tests.
 */
export async function modelServerSetup(): Promise<string> {
  const source = path.join(packageRoot(), 'templates/local/server/setup')
  const pins = await readFile(path.join(source, 'requirements.txt'))
  const name = `model-server-${createHash('sha256').update(pins).digest('hex').slice(0, 12)}`
  const folder = path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'lmrun-tests', name)
  if (existsSync(path.join(folder, 'complete'))) return folder
  await mkdir(folder, { recursive: true })
  await promisify(execFile)('bash', [path.join(source, 'install.sh')], {
    env: { ...process.env, LMRUN_SETUP: folder },
  })
  await writeFile(path.join(folder, 'complete'), '')
  return folder
}
