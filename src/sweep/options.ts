import { z } from 'zod'
import type { CloudIdentity } from '../credentials/plan.ts'
import { InputError, type Problem } from '../errors.ts'
import { describe, isAbsent, unknownOptions } from '../option-problems.ts'
import { OPTIONS } from '../options.ts'
import { SOURCES, type SourceName } from './found.ts'

/** What a sweep can be told: one schema for the inputs of sweep/action.yml and the flags of `lmrun sweep`. */
export interface SweepInputs extends CloudIdentity {
  readonly sources: readonly Exclude<SourceName, 'kubernetes'>[]
  /** Empty: all that the account has enabled. */
  readonly awsRegions: readonly string[]
  /** Absent: the project of the credentials. */
  readonly gcpProject?: string
  /** Path of a kubeconfig, or its text. */
  readonly kubeconfig?: string
  readonly dryRun: boolean
}

const CLOUDS = SOURCES.filter(name => name !== 'kubernetes')

const text = z.union([z.string(), z.boolean()]).transform(value => String(value).trim())
const list = text.transform(value => value.split(/[\s,]+/).filter(item => item !== ''))

export const SWEEP_OPTIONS = {
  sources: {
    schema: list.pipe(z.array(z.enum(CLOUDS))),
    fallback: '',
    allowed: `Give one or more of ${CLOUDS.join(', ')}, separated by spaces`,
  },
  'aws-regions': {
    schema: list.pipe(z.array(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d+$/))),
    fallback: '',
    allowed: 'Give regions, like us-east-1, separated by spaces; empty: all that the account has enabled',
  },
  'gcp-project': {
    schema: text.pipe(z.string().regex(/^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/)).optional(),
    allowed: 'Give the id of a project, like my-project-123',
  },
  'aws-role': OPTIONS['aws-role'],
  'gcp-workload-identity-provider': OPTIONS['gcp-workload-identity-provider'],
  'gcp-service-account': OPTIONS['gcp-service-account'],
  kubeconfig: {
    schema: text.optional(),
    allowed: 'Give the path of a kubeconfig, or its text',
  },
  'dry-run': {
    schema: text.pipe(z.enum(['true', 'false'])).transform(value => value === 'true'),
    fallback: 'false',
    allowed: 'Give true or false',
  },
} as const satisfies Record<string, { schema: z.ZodType; fallback?: string; allowed: string }>

export const sweepOptionNames = Object.keys(SWEEP_OPTIONS) as readonly (keyof typeof SWEEP_OPTIONS)[]

/**
 * @param label how the user wrote the option: `input sources`, `--sources`
 * @throws InputError with all problems at once
 */
export function parseSweepOptions(
  raw: Readonly<Record<string, unknown>>,
  label: (name: string) => string,
): SweepInputs {
  const problems: Problem[] = unknownOptions(raw, sweepOptionNames, label)
  const values: Record<string, unknown> = {}
  for (const name of sweepOptionNames) {
    const option: { schema: z.ZodType; fallback?: string; allowed: string } = SWEEP_OPTIONS[name]
    const given = raw[name]
    const result = option.schema.safeParse(isAbsent(given) ? option.fallback : given)
    if (result.success) values[name] = result.data
    // The text of a kubeconfig is a secret; nothing of it is wrong here.
    else problems.push(describe(name, given, result.error, label(name), option.allowed))
  }
  if (isAbsent(raw.sources) && isAbsent(raw.kubeconfig)) {
    const { allowed } = SWEEP_OPTIONS.sources
    problems.push({
      where: label('sources'),
      what: 'nowhere to look',
      allowed: `${allowed}, or a kubeconfig`,
    })
  }
  if (problems.length > 0) throw new InputError(problems)
  return toInputs(
    values as { [K in keyof typeof SWEEP_OPTIONS]: z.output<(typeof SWEEP_OPTIONS)[K]['schema']> },
  )
}

function toInputs(
  values: { [K in keyof typeof SWEEP_OPTIONS]: z.output<(typeof SWEEP_OPTIONS)[K]['schema']> },
): SweepInputs {
  const {
    'aws-role': awsRole,
    'gcp-workload-identity-provider': provider,
    'gcp-service-account': account,
  } = values
  return {
    ...(awsRole === undefined ? {} : { awsRole }),
    ...(provider === undefined ? {} : { gcpWorkloadIdentityProvider: provider }),
    ...(account === undefined ? {} : { gcpServiceAccount: account }),
    sources: [...new Set(values.sources)],
    awsRegions: values['aws-regions'],
    ...(values['gcp-project'] === undefined ? {} : { gcpProject: values['gcp-project'] }),
    ...(values.kubeconfig === undefined ? {} : { kubeconfig: values.kubeconfig }),
    dryRun: values['dry-run'],
  }
}
