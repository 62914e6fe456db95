import { existsSync } from 'node:fs'
import path from 'node:path'

/** Variables that may name a file or folder of the runner, which then goes with the VM. */
const INPUTS = ['QUESTIONS', 'MODEL']

export interface Shipped {
  /** With paths on the VM, relative to a job's working folder, in place of those on the runner. */
  readonly envs: Readonly<Record<string, string>>
  /** SkyPilot's `file_mounts`: path on the VM → path here. */
  readonly mounts: Readonly<Record<string, string>>
}

/** The same for the launch and for every later job: questions and weights of the runner are where the job looks. */
export function shipped(envs: Readonly<Record<string, string>>): Shipped {
  const found = INPUTS.flatMap(name => {
    const from = envs[name]
    return from !== undefined && path.isAbsolute(from) && existsSync(from) ? [{ name, from }] : []
  })
  const to = (name: string, from: string) => `lmrun-inputs/${name.toLowerCase()}${path.extname(from)}`
  return {
    envs: { ...envs, ...Object.fromEntries(found.map(({ name, from }) => [name, to(name, from)])) },
    mounts: Object.fromEntries(found.map(({ name, from }) => [to(name, from), from])),
  }
}

/** A path of the template as SkyPilot finds it from any folder. URLs, `~` and variables stay. */
export function absolute(folder: string, source: string): string {
  return /^([a-z][a-z0-9+.-]*:\/\/|~|\$|\/)/i.test(source) ? source : path.resolve(folder, source)
}
