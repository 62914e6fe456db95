import { z } from 'zod'
import type { Problem } from './errors.ts'
import { nearest } from './text.ts'

/**
 * What a benchmark run can be told: one schema for the action's inputs, the flags of `lmrun bench` and lmrun.yaml.
 * Names are those of action.yml. Values may be text (inputs, flags) or YAML values (lmrun.yaml).
 */
export interface ModelOptions {
  /** What to serve: a hub id, or a path that the template understands. */
  readonly model: string
  readonly revision?: string
  /** Options for the server's command line, as one text: SERVE_OPTS of the template. */
  readonly serveOptions: string
  /** A template of its own, instead of `server-template`. */
  readonly template?: string
  readonly environment: Readonly<Record<string, string>>
}

export interface BenchOptions {
  readonly models: Readonly<Record<string, ModelOptions>>
  readonly benchmark: readonly string[]
  /** `smoke`, or a folder that holds `live_bench` or `data/live_bench`. */
  readonly questions: string
  readonly release?: string
  readonly parallel: number
  readonly maxTokens: number
  readonly infra: 'local'
  readonly serverTemplate?: string
  readonly clientTemplate?: string
  readonly maxMinutes: number
  readonly leaseMinutes: number
  /** Names of environment variables whose values the VMs get. */
  readonly secrets: readonly string[]
  readonly comment: 'auto' | 'always' | 'never'
  readonly commentKey: string
  readonly outputDirectory: string
  readonly allowErrors: number
}

/** Which questions these options select, as src/livebench asks for it. */
export function questionFilter({ benchmark, release }: BenchOptions): {
  readonly benchmarks: readonly string[]
  readonly release?: string
} {
  return { benchmarks: benchmark, ...(release === undefined ? {} : { release }) }
}

/** LiveBench's own default; smoke questions have short answers, and a small model would ramble. */
const MAX_TOKENS = { smoke: 64, other: 4096 } as const

/** Kubernetes Services, SkyPilot clusters and LiveBench's file names are all made from it. */
const modelKey = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/
const envName = /^[A-Za-z_][A-Za-z0-9_]*$/
const benchmarkName = /^live_bench(\/[A-Za-z0-9_-]+){0,2}$/

const text = z.union([z.string(), z.number(), z.boolean()]).transform(value => String(value).trim())
const filled = text.refine(value => value !== '')
const optionalText = text.transform(value => (value === '' ? undefined : value)).optional()
const list = z
  .union([text.transform(value => value.split(/[\s,]+/)), z.array(text)])
  .transform(items => items.filter(item => item !== ''))
const number = (min: number, max: number) =>
  text
    .pipe(z.string().regex(/^\d+(\.\d+)?$/))
    .transform(Number)
    .pipe(z.number().min(min).max(max))
const integer = (min: number, max: number) =>
  text.pipe(z.string().regex(/^\d+$/)).transform(Number).pipe(z.int().min(min).max(max))

const modelSchema = z.union([
  filled.transform(model => ({ model })),
  z.strictObject({
    model: filled,
    revision: optionalText,
    'serve-options': text.optional(),
    template: optionalText,
    environment: z.record(z.string().regex(envName), text).optional(),
  }),
])

/** Schema, default and words of each option; action.yml says the same (a test compares them). */
export const OPTIONS = {
  models: {
    schema: z
      .record(z.string().regex(modelKey), modelSchema)
      .refine(models => Object.keys(models).length > 0),
    allowed:
      'Give a YAML map of model key → model, like "qwen-coder: Qwen/Qwen2.5-Coder-32B-Instruct", or model key → {model, revision, serve-options, template, environment}. Keys: letters, digits, ".", "_" and "-", at most 64, starting and ending with a letter or digit',
  },
  benchmark: {
    schema: list.pipe(z.array(z.string().regex(benchmarkName)).min(1)),
    fallback: 'live_bench',
    allowed:
      'Give live_bench, live_bench/<category> or live_bench/<category>/<task>, several separated by spaces',
  },
  questions: {
    schema: filled,
    fallback: 'smoke',
    allowed: 'Give "smoke", or a folder that holds live_bench/<category>/<task>/question.jsonl',
  },
  release: { schema: optionalText, allowed: 'Give a LiveBench release, like 2024-11-25' },
  parallel: { schema: integer(1, 1024), fallback: '4', allowed: 'Give a whole number from 1 to 1024' },
  'max-tokens': {
    schema: integer(1, 1_000_000).optional(),
    allowed: 'Give a whole number of tokens from 1 to 1000000',
  },
  infra: {
    schema: text.pipe(z.literal('local')),
    fallback: 'local',
    allowed: 'Give "local": processes on this machine',
  },
  'server-template': { schema: optionalText, allowed: 'Give the path of a SkyPilot YAML' },
  'client-template': { schema: optionalText, allowed: 'Give the path of a SkyPilot YAML' },
  'max-minutes': {
    schema: number(0.1, 10_080),
    fallback: '60',
    allowed: 'Give a number of minutes from 0.1 to 10080 (a week)',
  },
  'lease-minutes': {
    schema: number(0.1, 1440),
    fallback: '10',
    allowed: 'Give a number of minutes from 0.1 to 1440 (a day)',
  },
  secrets: {
    schema: list.pipe(z.array(z.string().regex(envName))),
    fallback: '',
    allowed: 'Give names of environment variables, separated by spaces or commas',
  },
  comment: {
    schema: text.pipe(z.enum(['auto', 'always', 'never'])),
    fallback: 'auto',
    allowed: 'Give auto, always or never',
  },
  'comment-key': {
    schema: text.pipe(z.string().max(100)),
    fallback: '',
    allowed: 'Give at most 100 characters',
  },
  'output-directory': { schema: filled, fallback: 'lmrun-out', allowed: 'Give the path of a folder' },
  'allow-errors': { schema: integer(0, 1_000_000), fallback: '0', allowed: 'Give a whole number from 0' },
} as const satisfies Record<string, { schema: z.ZodType; fallback?: string; allowed: string }>

export type OptionName = keyof typeof OPTIONS
export const optionNames = Object.keys(OPTIONS) as readonly OptionName[]

/** Values as given, by option name: text from inputs and flags, anything from YAML. Absent and "" mean the default. */
export type RawOptions = Readonly<Record<string, unknown>>

export type Parsed<T> =
  | { readonly value: T; readonly problems: [] }
  | { readonly problems: readonly Problem[] }

/**
 * Checks every option and reports all problems at once.
 * @param label how the user wrote the option, for messages: `input models`, `--models`, `lmrun.yaml: models`
 */
export function parseOptions(raw: RawOptions, label: (name: string) => string): Parsed<BenchOptions> {
  const problems = unknownOptions(raw, label)
  const values: Record<string, unknown> = {}
  for (const name of optionNames) {
    const option: { schema: z.ZodType; fallback?: string; allowed: string } = OPTIONS[name]
    const given = raw[name]
    const result = option.schema.safeParse(isAbsent(given) ? option.fallback : given)
    if (result.success) values[name] = result.data
    else problems.push(describe(name, given, result.error, label(name), option.allowed))
  }
  if (problems.length > 0) return { problems }
  const value = toBenchOptions(values as { [K in OptionName]: z.output<(typeof OPTIONS)[K]['schema']> })
  return { value, problems: [] }
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '')
}

function unknownOptions(raw: RawOptions, label: (name: string) => string): Problem[] {
  return Object.keys(raw)
    .filter(name => !Object.hasOwn(OPTIONS, name))
    .map(name => {
      const near = nearest(name, optionNames)
      const allowed = near ? `Did you mean "${near}"?` : `The options are ${optionNames.join(', ')}`
      return { where: label(name), what: 'there is no such option', allowed }
    })
}

function describe(
  name: OptionName,
  given: unknown,
  error: z.ZodError,
  where: string,
  allowed: string,
): Problem {
  if (isAbsent(given)) return { where, what: 'is required', allowed }
  const place = firstPath(error.issues)
  const inside = place.length > 0 && name === 'models' ? `${where}, at ${place.join('.')}` : where
  const unknown = unknownKeys(error.issues)
  const what = unknown.length > 0 ? `unknown ${unknown.join(', ')}` : `${show(given)} is not allowed`
  return { where: inside, what, allowed }
}

/** A union's issues are nested, one list a member: the most specific place is the deepest path. */
function firstPath(issues: readonly z.core.$ZodIssue[]): PropertyKey[] {
  return issues
    .flatMap(issue => {
      const nested = issue.code === 'invalid_union' ? issue.errors.map(firstPath) : []
      return [[...issue.path], ...nested.map(path => [...issue.path, ...path])]
    })
    .reduce((deepest, path) => (path.length > deepest.length ? path : deepest), [])
}

function unknownKeys(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap(issue => {
    if (issue.code === 'unrecognized_keys') return issue.keys
    return issue.code === 'invalid_union' ? issue.errors.flatMap(unknownKeys) : []
  })
}

function show(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value)
  return json.length > 120 ? `${json.slice(0, 117)}…` : json
}

function toBenchOptions(
  values: { [K in OptionName]: z.output<(typeof OPTIONS)[K]['schema']> },
): BenchOptions {
  const { questions } = values
  return {
    models: Object.fromEntries(Object.entries(values.models).map(([key, model]) => [key, toModel(model)])),
    benchmark: values.benchmark,
    questions,
    ...(values.release === undefined ? {} : { release: values.release }),
    parallel: values.parallel,
    maxTokens: values['max-tokens'] ?? (questions === 'smoke' ? MAX_TOKENS.smoke : MAX_TOKENS.other),
    infra: values.infra,
    ...(values['server-template'] === undefined ? {} : { serverTemplate: values['server-template'] }),
    ...(values['client-template'] === undefined ? {} : { clientTemplate: values['client-template'] }),
    maxMinutes: values['max-minutes'],
    leaseMinutes: values['lease-minutes'],
    secrets: values.secrets,
    comment: values.comment,
    commentKey: values['comment-key'],
    outputDirectory: values['output-directory'],
    allowErrors: values['allow-errors'],
  }
}

function toModel(model: z.output<typeof modelSchema>): ModelOptions {
  const { revision, template, environment, 'serve-options': serveOptions } = { ...noModelOptions, ...model }
  return {
    model: model.model,
    ...(revision === undefined ? {} : { revision }),
    serveOptions: serveOptions ?? '',
    ...(template === undefined ? {} : { template }),
    environment: environment ?? {},
  }
}

const noModelOptions = {
  revision: undefined,
  template: undefined,
  environment: undefined,
  'serve-options': undefined,
}
