import { z } from 'zod'
import type { Problem } from './errors.ts'
import type { FleetKind, VmResources } from './fleet/fleet.ts'
import { describe, isAbsent, unknownOptions } from './option-problems.ts'

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
  /** What its server's VM is to be, over the run's own options. */
  readonly resources: Partial<VmResources>
}

export interface BenchOptions {
  readonly models: Readonly<Record<string, ModelOptions>>
  readonly benchmark: readonly string[]
  /** `smoke`, `hub`, or a folder that holds `live_bench` or `data/live_bench`. */
  readonly questions: string
  readonly release?: string
  readonly parallel: number
  readonly maxTokens: number
  /** `['local']`, or SkyPilot's infra for the servers, as alternatives. */
  readonly infra: readonly string[]
  /** The same for the client; a CPU is enough. */
  readonly clientInfra: readonly string[]
  /** `auto`: a mesh of the run's own wherever VMs can join one; `off`: none; else the VM name of its main. */
  readonly mesh: string
  /** Path or text of the kubeconfig of a mesh that is up. */
  readonly meshKubeconfig?: string
  readonly accelerators: readonly string[]
  /** Absent: as the template says. */
  readonly spot?: boolean
  /** GB */
  readonly diskSize?: number
  /** USD an hour for all VMs together. */
  readonly maxHourlyCost?: number
  /** Servers keep the model key as their name, and stay warm until their lease ends. */
  readonly reuse: boolean
  /** How often a VM is launched again when that may help. */
  readonly retries: number
  /** Roles that the workflow's id-token is exchanged for, and renewed as long as the run goes on. */
  readonly awsRole?: string
  readonly gcpWorkloadIdentityProvider?: string
  readonly gcpServiceAccount?: string
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

export function fleetKind({ infra }: Pick<BenchOptions, 'infra'>): FleetKind {
  return infra.includes('local') ? 'local' : 'sky'
}

/** lmrun's own few questions, which come with it. */
export function isBundled({ questions }: Pick<BenchOptions, 'questions'>): boolean {
  return questions === 'smoke'
}

/** LiveBench's public questions: the client fetches them, so nobody knows them before. */
export function isHub({ questions }: Pick<BenchOptions, 'questions'>): boolean {
  return questions === 'hub'
}

/** The newest release all of whose questions are public. */
const HUB_RELEASE = '2024-11-25'

/** All places where VMs of the run may be. */
export function allInfra({
  infra,
  clientInfra,
  models,
}: Pick<BenchOptions, 'infra' | 'clientInfra' | 'models'>): readonly string[] {
  const own = Object.values(models).flatMap(model => model.resources.infra ?? [])
  return [...new Set([...infra, ...clientInfra, ...own])]
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

/**
 * SkyPilot's clouds, as its infra strings name them.
 * Source: sky/utils/registry.py and sky/clouds/ of SkyPilot 0.14.1.
 */
const CLOUDS: readonly string[] = [
  'aws',
  'azure',
  'gcp',
  'lambda',
  'runpod',
  'kubernetes',
  'k8s',
  'slurm',
  'ssh',
  'nebius',
  'fluidstack',
  'vast',
  'cudo',
  'paperspace',
  'do',
  'oci',
  'ibm',
  'scp',
  'vsphere',
  'hyperbolic',
  'primeintellect',
  'seeweb',
  'shadeform',
  'verda',
  'mithril',
  'yotta',
]
const infraList = list.pipe(
  z.array(
    z.string().refine(value => {
      const [cloud = '', ...places] = value.toLowerCase().split('/')
      return CLOUDS.includes(cloud) && places.every(place => /^[a-z0-9_.:@*-]+$/.test(place))
    }),
  ),
)
const accelerators = list.pipe(z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]*(:\d+(\.\d+)?)?$/)))
const yesNo = text.pipe(z.enum(['true', 'false'])).transform(value => value === 'true')
const diskSize = integer(8, 65_536)

const modelSchema = z.union([
  filled.transform(model => ({ model })),
  z.strictObject({
    model: filled,
    revision: optionalText,
    'serve-options': text.optional(),
    template: optionalText,
    environment: z.record(z.string().regex(envName), text).optional(),
    infra: infraList.optional(),
    accelerators: accelerators.optional(),
    spot: yesNo.optional(),
    'disk-size': diskSize.optional(),
  }),
])

/** Schema, default and words of each option; action.yml says the same (a test compares them). */
export const OPTIONS = {
  models: {
    schema: z
      .record(z.string().regex(modelKey), modelSchema)
      .refine(models => Object.keys(models).length > 0),
    allowed:
      'Give a YAML map of model key → model, like "qwen-coder: Qwen/Qwen2.5-Coder-32B-Instruct", or model key → {model, revision, serve-options, template, environment, infra, accelerators, spot, disk-size}. Keys: letters, digits, ".", "_" and "-", at most 64, starting and ending with a letter or digit',
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
    allowed:
      'Give "smoke", "hub" (LiveBench\'s public ones), or a folder that holds live_bench/<category>/<task>/question.jsonl',
  },
  release: { schema: optionalText, allowed: 'Give a LiveBench release, like 2024-11-25' },
  parallel: { schema: integer(1, 1024), fallback: '4', allowed: 'Give a whole number from 1 to 1024' },
  'max-tokens': {
    schema: integer(1, 1_000_000).optional(),
    allowed: 'Give a whole number of tokens from 1 to 1000000',
  },
  infra: {
    schema: z.union([list.pipe(z.tuple([z.literal('local')])), infraList.pipe(z.array(z.string()).min(1))]),
    fallback: 'local',
    allowed: `Give "local" (processes on this machine), or where SkyPilot may launch: <cloud>, <cloud>/<region> or <cloud>/<region>/<zone>, several separated by spaces; clouds: ${CLOUDS.join(', ')}`,
  },
  'client-infra': {
    schema: infraList,
    fallback: '',
    allowed: 'Give places as for infra; empty: those of infra',
  },
  mesh: {
    schema: text.pipe(z.string().regex(/^[a-z]([-a-z0-9]{0,24}[a-z0-9])?$/)),
    fallback: 'off',
    allowed:
      'Give "auto", "off", or the VM name of a main node: a letter, then letters, digits and "-", at most 26',
  },
  'mesh-kubeconfig': { schema: optionalText, allowed: 'Give the path of a kubeconfig, or its text' },
  accelerators: {
    schema: accelerators,
    fallback: '',
    allowed: 'Give GPUs as NAME or NAME:COUNT, like L4:4, alternatives separated by spaces',
  },
  spot: { schema: yesNo.optional(), allowed: 'Give true or false' },
  'disk-size': { schema: diskSize.optional(), allowed: 'Give a whole number of GB from 8 to 65536' },
  'max-hourly-cost': {
    schema: number(0, 100_000).optional(),
    allowed: 'Give USD an hour for all VMs together, from 0 to 100000',
  },
  reuse: { schema: yesNo, fallback: 'false', allowed: 'Give true or false' },
  retries: { schema: integer(0, 10), fallback: '2', allowed: 'Give a whole number from 0 to 10' },
  'aws-role': {
    schema: optionalText.pipe(
      z
        .string()
        .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/)
        .optional(),
    ),
    allowed: "Give a role's ARN, like arn:aws:iam::123456789012:role/lmrun",
  },
  'gcp-workload-identity-provider': {
    schema: optionalText.pipe(
      z
        .string()
        .regex(/^projects\/\d+\/locations\/global\/workloadIdentityPools\/[a-z0-9-]+\/providers\/[a-z0-9-]+$/)
        .optional(),
    ),
    allowed:
      'Give its full name, like projects/123456789/locations/global/workloadIdentityPools/github/providers/github',
  },
  'gcp-service-account': {
    schema: optionalText.pipe(
      z
        .string()
        .regex(/^[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com$/)
        .optional(),
    ),
    allowed: 'Give its address, like lmrun@project.iam.gserviceaccount.com',
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
  const problems = unknownOptions(raw, optionNames, label)
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

function toBenchOptions(
  values: { [K in OptionName]: z.output<(typeof OPTIONS)[K]['schema']> },
): BenchOptions {
  const { questions } = values
  const release = values.release ?? (isHub({ questions }) ? HUB_RELEASE : undefined)
  return {
    models: Object.fromEntries(Object.entries(values.models).map(([key, model]) => [key, toModel(model)])),
    benchmark: values.benchmark,
    questions,
    ...(release === undefined ? {} : { release }),
    parallel: values.parallel,
    maxTokens: values['max-tokens'] ?? (isBundled({ questions }) ? MAX_TOKENS.smoke : MAX_TOKENS.other),
    infra: values.infra,
    clientInfra: values['client-infra'].length > 0 ? values['client-infra'] : values.infra,
    mesh: values.mesh,
    ...(values['mesh-kubeconfig'] === undefined ? {} : { meshKubeconfig: values['mesh-kubeconfig'] }),
    accelerators: values.accelerators,
    ...(values.spot === undefined ? {} : { spot: values.spot }),
    ...(values['disk-size'] === undefined ? {} : { diskSize: values['disk-size'] }),
    ...(values['max-hourly-cost'] === undefined ? {} : { maxHourlyCost: values['max-hourly-cost'] }),
    reuse: values.reuse,
    retries: values.retries,
    ...(values['aws-role'] === undefined ? {} : { awsRole: values['aws-role'] }),
    ...(values['gcp-workload-identity-provider'] === undefined
      ? {}
      : { gcpWorkloadIdentityProvider: values['gcp-workload-identity-provider'] }),
    ...(values['gcp-service-account'] === undefined
      ? {}
      : { gcpServiceAccount: values['gcp-service-account'] }),
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
  const { revision, template, environment, infra, accelerators, spot, ...rest } = {
    ...noModelOptions,
    ...model,
  }
  const { 'serve-options': serveOptions, 'disk-size': diskSize } = rest
  return {
    model: model.model,
    ...(revision === undefined ? {} : { revision }),
    serveOptions: serveOptions ?? '',
    ...(template === undefined ? {} : { template }),
    environment: environment ?? {},
    resources: {
      ...(infra === undefined ? {} : { infra }),
      ...(accelerators === undefined ? {} : { accelerators }),
      ...(spot === undefined ? {} : { spot }),
      ...(diskSize === undefined ? {} : { diskSize }),
    },
  }
}

const noModelOptions = {
  revision: undefined,
  template: undefined,
  environment: undefined,
  'serve-options': undefined,
  infra: undefined,
  accelerators: undefined,
  spot: undefined,
  'disk-size': undefined,
}
