import path from 'node:path'
import { installApp } from './app.ts'
import { writePlanned } from './files.ts'
import { AT } from './paths.ts'
import type { System } from './system.ts'
import { keepRunning } from './systemd.ts'
import type { PlannedFile } from './types.ts'

export interface OwnUnitRequest {
  /** Name of the unit. */
  readonly unit: string
  readonly content: string
  /** What it reads. */
  readonly state: PlannedFile
  /** It has to start anew in any case: its identity is another. */
  readonly anew?: boolean
}

/** The folder of the program that runs now. */
function ownFolder(): string {
  return path.dirname(process.argv[1] ?? '')
}

/** Has one of our units run, with this state and this program. @returns whether anything was done */
export async function keepOwnUnit(
  system: System,
  { unit, content, state, anew = false }: OwnUnitRequest,
): Promise<boolean> {
  const copied = await installApp(system.root, ownFolder())
  const file = { path: `${AT.units}/${unit}`, mode: 0o644, content }
  const changed = await writePlanned(system.root, [state, file])
  return keepRunning(system, unit, { changed: anew || copied || changed.length > 0 })
}
