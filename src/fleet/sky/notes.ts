import { mkdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { writeAtomically } from '../../files.ts'

const noteSchema = z.object({
  labels: z.record(z.string(), z.string()),
  /** Unix milliseconds. */
  launchedAt: z.number(),
  /** Unix milliseconds. */
  expiresAt: z.number().nullable(),
  spot: z.boolean(),
  /** SkyPilot's number of the launch's own job; null before it has one. */
  jobId: z.number().nullable(),
  /** What the launch said it took; null when it did not say. */
  offer: z
    .object({ infra: z.string(), instance: z.string(), accelerators: z.string(), hourly: z.number() })
    .nullable(),
})

/** What SkyPilot does not tell of a VM, or tells late: kept beside it, for this process and later ones. */
export type VmNote = Readonly<z.infer<typeof noteSchema>>

export class VmNotes {
  readonly #folder: string
  readonly #known = new Map<string, VmNote>()

  constructor(folder: string) {
    this.#folder = folder
  }

  async get(name: string): Promise<VmNote | null> {
    const known = this.#known.get(name)
    if (known) return known
    try {
      return noteSchema.parse(JSON.parse(await readFile(this.#file(name), 'utf8')))
    } catch {
      return null
    }
  }

  async put(name: string, note: VmNote): Promise<void> {
    this.#known.set(name, note)
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await writeAtomically(this.#file(name), `${JSON.stringify(note)}\n`, { mode: 0o600 })
  }

  async change(name: string, change: Partial<VmNote>): Promise<void> {
    const note = await this.get(name)
    if (note) await this.put(name, { ...note, ...change })
  }

  async forget(name: string): Promise<void> {
    this.#known.delete(name)
    await rm(this.#file(name), { force: true })
  }

  #file(name: string): string {
    return path.join(this.#folder, `${name}.json`)
  }
}
