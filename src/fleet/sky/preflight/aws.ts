import type { Env } from '../../../env.ts'
import { explain } from '../../../errors.ts'
import type { PreflightCheck } from '../../fleet.ts'

/** vCPU quotas of EC2, by the first letters of the instance type. Source: the quota codes of the service `ec2`. */
const QUOTAS = [
  { families: /^(p\d|p\d\w*)$/, onDemand: 'L-417A185B', spot: 'L-7212CCBC', name: 'P' },
  { families: /^(g|vt)\w*$/, onDemand: 'L-DB2E81BA', spot: 'L-3819A6DF', name: 'G and VT' },
  { families: /^[acdhimrtz]\w*$/, onDemand: 'L-1216C47A', spot: 'L-34B43A08', name: 'Standard' },
] as const

/** One VM that the account must have room for. */
export interface AwsNeed {
  readonly region: string
  /** `g6.12xlarge` */
  readonly instance: string
  readonly vcpus: number
  readonly spot: boolean
}

export interface AwsQuota {
  readonly region: string
  readonly code: string
  /** `G and VT, spot` */
  readonly name: string
  readonly vcpus: number
}

/** Sums the vCPUs by region and quota; what is of a family that is not known is left out. */
export function quotasNeeded(needs: readonly AwsNeed[]): readonly AwsQuota[] {
  const sums = new Map<string, AwsQuota>()
  for (const { region, vcpus, ...machine } of needs) {
    const quota = quotaOf(machine)
    if (!quota) continue
    const { code } = quota
    const key = `${region} ${code}`
    sums.set(key, { region, ...quota, vcpus: vcpus + (sums.get(key)?.vcpus ?? 0) })
  }
  return [...sums.values()]
}

function quotaOf({ instance, spot }: Pick<AwsNeed, 'instance' | 'spot'>) {
  const family = instance.split('.')[0] ?? ''
  const quota = QUOTAS.find(({ families }) => families.test(family))
  if (!quota) return null
  return { code: spot ? quota.spot : quota.onDemand, name: `${quota.name}, ${spot ? 'spot' : 'on demand'}` }
}

/** Until when credentials of this kind are valid, as far as anyone can know without using them. */
export type Validity =
  | { readonly kind: 'lasting'; readonly why: string }
  | { readonly kind: 'until'; readonly at: number }
  | { readonly kind: 'unknown'; readonly why: string }

/**
 * @param session true for an assumed role: temporary, whatever gave it
 */
export function awsValidity(env: Env, { session }: { readonly session: boolean }): Validity {
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE && !env.AWS_ACCESS_KEY_ID)
    return { kind: 'lasting', why: 'renewed from the token file as long as that is kept fresh' }
  const stated = Date.parse(env.AWS_CREDENTIAL_EXPIRATION ?? '')
  if (!Number.isNaN(stated)) return { kind: 'until', at: stated }
  if (env.AWS_SESSION_TOKEN)
    return {
      kind: 'unknown',
      why: 'a session token without AWS_CREDENTIAL_EXPIRATION does not say when it ends',
    }
  if (session && !env.AWS_ACCESS_KEY_ID)
    return {
      kind: 'unknown',
      why: 'a role or single sign-on from a profile or machine: renewed while its source lasts',
    }
  return { kind: 'lasting', why: 'a key without end' }
}

export function validityCheck(what: string, who: string, validity: Validity, until: number): PreflightCheck {
  if (validity.kind === 'lasting') return { what, status: 'ok', detail: `${who}; ${validity.why}` }
  if (validity.kind === 'unknown')
    return { what, status: 'unknown', detail: `${who}; its end is unknown: ${validity.why}` }
  const detail = `${who}; valid until ${new Date(validity.at).toISOString()}`
  if (validity.at >= until) return { what, status: 'ok', detail }
  return {
    what,
    status: 'failed',
    detail: `${detail}, and the run may need them until ${new Date(until).toISOString()}`,
    hint: 'Renew them, lower max-minutes, or use aws-role, which renews them all through the run',
  }
}

/** @param until Unix milliseconds at which the run and its teardown are over */
export async function checkAwsIdentity(env: Env, until: number): Promise<PreflightCheck> {
  const what = 'credentials of aws'
  const sdk = await import('./aws-sdk.ts')
  try {
    const { account, arn } = await sdk.callerIdentity(env)
    const session = arn.includes(':assumed-role/')
    return validityCheck(what, `${arn} of account ${account}`, awsValidity(env, { session }), until)
  } catch (error) {
    return {
      what,
      status: 'failed',
      detail: explain(error),
      hint: 'Give aws-role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile',
    }
  }
}

export async function checkAwsQuotas(
  env: Env,
  needs: readonly AwsNeed[],
): Promise<readonly PreflightCheck[]> {
  const sdk = await import('./aws-sdk.ts')
  const regions = [...new Set(needs.map(({ region }) => region))]
  const uses = new Map(
    regions.map(
      region => [region, sdk.inUse(env, region).catch((error: unknown) => explain(error))] as const,
    ),
  )
  return Promise.all(
    quotasNeeded(needs).map(async (quota): Promise<PreflightCheck> => {
      const what = `vCPU quota of ${quota.name} in ${quota.region}`
      try {
        const [value, use] = await Promise.all([sdk.quotaValue(env, quota), uses.get(quota.region) ?? []])
        return quotaCheck(what, quota, { value, use })
      } catch (error) {
        return { what, status: 'unknown', detail: explain(error) }
      }
    }),
  )
}

interface Quota {
  /** vCPUs. */
  readonly value: number
  /** What is in use of the region, or why that is not known: then the quota is an upper bound for what can be had. */
  readonly use: readonly Omit<AwsNeed, 'region'>[] | string
}

export function quotaCheck(what: string, { code, vcpus }: AwsQuota, { value, use }: Quota): PreflightCheck {
  const known = typeof use !== 'string'
  const used = known
    ? use.filter(one => quotaOf(one)?.code === code).reduce((sum, one) => sum + one.vcpus, 0)
    : 0
  const detail = `${value} vCPUs, ${known ? `${used} in use` : `in use is not known (${use})`}, ${vcpus} needed`
  if (used + vcpus <= value) return { what, status: known ? 'ok' : 'unknown', detail }
  return {
    what,
    status: 'failed',
    detail,
    hint: 'Ask for more in the Service Quotas console, end what is not needed, or take another region',
  }
}
