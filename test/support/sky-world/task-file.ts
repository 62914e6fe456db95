import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import { LAUNCH_VARIABLE, secretsFile } from '../../../src/fleet/sky/render/remote-paths.ts'
import type { SkyArgs } from '../sky-stand-in/args.ts'
import type { TaskFile } from './program.ts'
import type { Role } from './work.ts'

const resources = z.looseObject({
  labels: z.record(z.string(), z.string()).default({}),
  accelerators: z.unknown().optional(),
  use_spot: z.boolean().optional(),
  any_of: z
    .array(z.looseObject({ accelerators: z.unknown().optional(), use_spot: z.boolean().optional() }))
    .default([]),
  ordered: z
    .array(z.looseObject({ accelerators: z.unknown().optional(), use_spot: z.boolean().optional() }))
    .default([]),
})
const schema = z.looseObject({
  setup: z.string().default(''),
  resources: resources.default(() => resources.parse({})),
})

/** What the world needs to know of a task, as `sky launch` was given it. */
export interface LaunchedFile extends Omit<TaskFile, 'leaseMinutes' | 'awaits'> {
  readonly gpu: boolean
  readonly spot: boolean
  readonly accelerators: string | null
  readonly labels: Readonly<Record<string, string>>
}

export function readTaskFile(file: string): LaunchedFile {
  const { setup, resources } = schema.parse(parse(readFileSync(file, 'utf8')))
  const offers = [resources, ...resources.any_of, ...resources.ordered]
  const accelerators = offers
    .map(offer => offer.accelerators)
    .find(value => value !== undefined && value !== null)
  return {
    setup,
    role: roleOf(resources.labels['lmrun-role']),
    gpu: accelerators !== undefined,
    spot: offers.some(offer => offer.use_spot === true),
    accelerators: accelerators === undefined ? null : shown(accelerators),
    labels: resources.labels,
  }
}

/** As SkyPilot's tables show them: `L4:1`. */
function shown(accelerators: unknown): string {
  return JSON.stringify(accelerators).replaceAll(/["{}[\]]/g, '')
}

function roleOf(label: string | undefined): Role {
  return label === 'client' || label === 'main' ? label : 'server'
}

/** What setup waits for, when the launch names itself; relative to the machine's home. */
export function awaitedFile({ options }: SkyArgs): string | null {
  const envs = Array.isArray(options.env) ? options.env.map(String) : []
  const [, mark] = envs.find(text => text.startsWith(`${LAUNCH_VARIABLE}=`))?.split('=') ?? []
  return mark === undefined ? null : secretsFile(mark)
}
