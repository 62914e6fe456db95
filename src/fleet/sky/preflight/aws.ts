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
  for (const { region, instance, vcpus, spot } of needs) {
    const family = instance.split('.')[0] ?? ''
    const quota = QUOTAS.find(({ families }) => families.test(family))
    if (!quota) continue
    const code = spot ? quota.spot : quota.onDemand
    const key = `${region} ${code}`
    const name = `${quota.name}, ${spot ? 'spot' : 'on demand'}`
    sums.set(key, { region, code, name, vcpus: vcpus + (sums.get(key)?.vcpus ?? 0) })
  }
  return [...sums.values()]
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
  return Promise.all(
    quotasNeeded(needs).map(async (quota): Promise<PreflightCheck> => {
      const what = `vCPU quota of ${quota.name} in ${quota.region}`
      try {
        return quotaCheck(what, quota, await sdk.quotaValue(env, quota))
      } catch (error) {
        return { what, status: 'unknown', detail: explain(error) }
      }
    }),
  )
}

/** What the account uses already is not counted: the quota is an upper bound for what can be had. */
export function quotaCheck(what: string, { vcpus }: AwsQuota, value: number): PreflightCheck {
  const detail = `${value} vCPUs, ${vcpus} needed (what is in use already is not counted)`
  if (vcpus <= value) return { what, status: 'ok', detail }
  return {
    what,
    status: 'failed',
    detail,
    hint: 'Ask for more in the Service Quotas console, or another region',
  }
}
