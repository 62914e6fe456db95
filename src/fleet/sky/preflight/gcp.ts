import { z } from 'zod'
import type { Env } from '../../../env.ts'
import { explain } from '../../../errors.ts'
import type { PreflightCheck } from '../../fleet.ts'

const CALL_MS = 20_000
const regionSchema = z.object({
  quotas: z.array(z.object({ metric: z.string(), limit: z.number(), usage: z.number() })),
})

export interface GcpNeed {
  readonly region: string
  /** `L4` */
  readonly accelerator: string
  readonly count: number
  readonly spot: boolean
}

/** `NVIDIA_L4_GPUS`, `PREEMPTIBLE_NVIDIA_A100_80GB_GPUS`: metrics of a region's quota. */
export function gpuMetric({ accelerator, spot }: GcpNeed): string {
  const name = accelerator.toUpperCase().replace(/-/g, '_')
  return `${spot ? 'PREEMPTIBLE_' : ''}NVIDIA_${name}_GPUS`
}

/** Whether a token can be had with the credentials: they are renewed by Google's libraries for as long as they last. */
export async function checkGcp(env: Env, needs: readonly GcpNeed[]): Promise<readonly PreflightCheck[]> {
  const what = 'credentials of gcp'
  try {
    const { GoogleAuth } = await import('google-auth-library')
    const auth = new GoogleAuth({
      scopes: ['https://www.googleapis.com/auth/cloud-platform'],
      ...(env.GOOGLE_APPLICATION_CREDENTIALS ? { keyFilename: env.GOOGLE_APPLICATION_CREDENTIALS } : {}),
    })
    const token = await auth.getAccessToken()
    if (!token) throw new Error('Google gave no token')
    const project = env.GOOGLE_CLOUD_PROJECT || (await auth.getProjectId())
    const identity: PreflightCheck = {
      what,
      status: 'ok',
      detail: `a token for project ${project}; Google's libraries renew it as long as its source lasts`,
    }
    return [identity, ...(await Promise.all(regionChecks(needs, { env, token, project })))]
  } catch (error) {
    const hint =
      'Give gcp-workload-identity-provider and gcp-service-account, or `gcloud auth application-default login`'
    return [{ what, status: 'failed', detail: explain(error), hint }]
  }
}

interface Access {
  readonly env: Env
  readonly token: string
  readonly project: string
}

function regionChecks(needs: readonly GcpNeed[], access: Access): Promise<PreflightCheck>[] {
  const groups = Map.groupBy(needs, need => `${gpuMetric(need)} in ${need.region}`)
  return [...groups].map(async ([name, group]): Promise<PreflightCheck> => {
    const [first] = group
    const what = `quota of ${name}`
    if (!first) return { what, status: 'unknown', detail: 'nothing needed' }
    try {
      const { quotas } = await region(first.region, access)
      const wanted = group.reduce((sum, { count }) => sum + count, 0)
      return quotaCheck(
        what,
        quotas.find(({ metric }) => metric === gpuMetric(first)),
        wanted,
      )
    } catch (error) {
      return { what, status: 'unknown', detail: explain(error) }
    }
  })
}

export function quotaCheck(
  what: string,
  quota: { readonly limit: number; readonly usage: number } | undefined,
  wanted: number,
): PreflightCheck {
  if (!quota) return { what, status: 'unknown', detail: 'the region lists no such quota' }
  const free = quota.limit - quota.usage
  const detail = `${free} of ${quota.limit} free, ${wanted} needed`
  if (wanted <= free) return { what, status: 'ok', detail }
  return {
    what,
    status: 'failed',
    detail,
    hint: 'Ask for more in the console (IAM, Quotas), or take another region',
  }
}

async function region(name: string, { env, token, project }: Access) {
  // gcloud's own variable for another address of the same service.
  const base = env.CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE || 'https://compute.googleapis.com/compute/v1/'
  const response = await fetch(`${base}projects/${project}/regions/${name}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(CALL_MS),
  })
  if (!response.ok) throw new Error(`Google answered ${response.status}`)
  return regionSchema.parse(await response.json())
}
