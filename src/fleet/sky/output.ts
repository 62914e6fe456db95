import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import type { SkyReply } from './types.ts'

/** What `sky … -o json` said, or why nobody can tell: never an exception, since every caller has a plan for both. */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly kind: 'unreadable'; readonly reason: string }

const text = z.string()
const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform(value => value ?? null)

/** One VM of `sky status`. Labels may be empty there although the VM has some. */
export const statusSchema = z.array(
  z.object({
    name: text,
    /** INIT, UP, STOPPED, AUTOSTOPPING, PENDING. */
    status: text,
    /** Unix seconds. */
    launched_at: maybe(z.number()),
    /** Minutes; -1: none. */
    autostop: maybe(z.number()).transform(value => value ?? -1),
    to_down: maybe(z.boolean()).transform(value => value ?? false),
    cloud: maybe(text),
    region: maybe(text),
    resources_str: maybe(text),
    labels: maybe(z.record(text, text)).transform(value => value ?? {}),
  }),
)
export type SkyVm = z.infer<typeof statusSchema>[number]

/** Jobs by VM name; a VM that is not there has no entry. */
export const queueSchema = z.record(text, z.array(z.object({ job_id: z.number(), status: text })))
export type SkyQueue = z.infer<typeof queueSchema>

/** Newest first: a name that was used before has several entries. */
export const costReportSchema = z.array(
  z.object({
    name: text,
    /** Seconds. */
    duration: maybe(z.number()),
    /** USD, of all nodes, for `duration`. */
    total_cost: maybe(z.number()),
    launched_at: maybe(z.number()),
    status: maybe(text),
    cloud: maybe(text),
    region: maybe(text),
    accelerators: maybe(text),
    resources: maybe(z.object({ instance_type: maybe(text), use_spot: maybe(z.boolean()) })),
  }),
)
export type SkyCost = z.infer<typeof costReportSchema>[number]

export const requestsSchema = z.array(
  z.object({ request_id: text, name: text, status: text, cluster_name: maybe(text) }),
)
export type SkyRequest = z.infer<typeof requestsSchema>[number]

/**
 * The JSON of a reply. SkyPilot may print lines before it ("Fetching job queue for: …", "Cluster(s) not found"), in
 * colour, and hints after it.
 */
export function readJson<T>(schema: z.ZodType<T>, { exitCode, stdout, stderr }: SkyReply): Read<T> {
  const lines = stripVTControlCharacters(stdout).trimEnd().split('\n')
  for (const [index, line] of lines.entries()) {
    if (!/^\s*[[{]/.test(line)) continue
    const value = parse(lines.slice(index))
    if (value === undefined) continue
    const result = schema.safeParse(value)
    if (result.success) return { ok: true, value: result.data }
    return unreadable(`JSON of another form: ${z.prettifyError(result.error)}`)
  }
  const said = lastLine(stderr) ?? lastLine(stdout) ?? 'nothing'
  return unreadable(`exit code ${exitCode}, no JSON; it said: ${said}`)
}

/** The number of the job that a launch submitted; null when it did not get that far. */
export function readJobId(stdout: string): number | null {
  const found = /Job submitted, ID: (\d+)/.exec(stripVTControlCharacters(stdout))
  return found ? Number(found[1]) : null
}

/** The lines that carry something, without colour and progress bars: for logs and reports. */
export function cleanLines(output: string): string[] {
  return stripVTControlCharacters(output)
    .split(/\r?\n|\r/)
    .map(line => line.trimEnd())
    .filter(line => line !== '')
}

function parse(lines: readonly string[]): unknown {
  const whole = tryParse(lines.join('\n'))
  if (whole !== undefined) return whole
  // Text after the document: it ends at the last bracket that stands alone.
  const end = lines.findLastIndex(line => /^[\]}]$/.test(line.trimEnd()))
  return end <= 0 ? tryParse(lines[0] ?? '') : tryParse(lines.slice(0, end + 1).join('\n'))
}

function tryParse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function lastLine(output: string): string | undefined {
  return cleanLines(output).at(-1)?.slice(0, 500)
}

function unreadable(reason: string) {
  return { ok: false, kind: 'unreadable', reason } as const
}
