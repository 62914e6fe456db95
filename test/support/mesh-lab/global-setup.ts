import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { componentsFolder } from './build.ts'

/** Builds what the labs of the project `mesh` are made of, once, whoever else tests on this machine. */
export default function setup(): void {
  const lock = path.join(path.dirname(componentsFolder()), 'mesh-lab.lock')
  mkdirSync(path.dirname(lock), { recursive: true })
  const build = path.join(import.meta.dirname, 'build.ts')
  const { status } = spawnSync('flock', [lock, process.execPath, build], { stdio: 'inherit' })
  if (status !== 0) throw new Error(`the mesh lab's components could not be built: ${status}, see above`)
}
