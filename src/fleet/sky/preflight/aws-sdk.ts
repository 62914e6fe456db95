import {
  DescribeInstanceTypesCommand,
  EC2Client,
  type Instance,
  paginateDescribeInstances,
} from '@aws-sdk/client-ec2'
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import type { Env } from '../../../env.ts'

/** What of AWS's SDK the preflight uses; loaded when it is. */

const CALL_MS = 20_000

/** Keys of the given environment, which may not be the process's; else the SDK's own chain. */
export function settings(env: Env, region: string) {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env
  const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file } = env
  const keys =
    id && secret
      ? { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) }
      : null
  const endpoint = env.AWS_ENDPOINT_URL ? { endpoint: env.AWS_ENDPOINT_URL } : {}
  const shared = { region, maxAttempts: 2, ...endpoint }
  if (keys) return { ...shared, credentials: keys }
  return role && file ? { ...shared, credentials: () => assumeRole(shared, role, file) } : shared
}

async function assumeRole(shared: { readonly region: string }, role: string, file: string) {
  const [{ AssumeRoleWithWebIdentityCommand }, { readFile }] = await Promise.all([
    import('@aws-sdk/client-sts'),
    import('node:fs/promises'),
  ])
  const command = new AssumeRoleWithWebIdentityCommand({
    RoleArn: role,
    RoleSessionName: 'lmrun-preflight',
    WebIdentityToken: await readFile(file, 'utf8'),
  })
  // The call is not signed: the token is the proof.
  const client = new STSClient({ ...shared, credentials: { accessKeyId: '-', secretAccessKey: '-' } })
  const { Credentials: got } = await client.send(command, { abortSignal: AbortSignal.timeout(CALL_MS) })
  return {
    accessKeyId: got?.AccessKeyId ?? '',
    secretAccessKey: got?.SecretAccessKey ?? '',
    ...(got?.SessionToken ? { sessionToken: got.SessionToken } : {}),
    ...(got?.Expiration ? { expiration: got.Expiration } : {}),
  }
}

export async function callerIdentity(env: Env): Promise<{ readonly account: string; readonly arn: string }> {
  const client = new STSClient(settings(env, env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1'))
  const reply = await client.send(new GetCallerIdentityCommand({}), {
    abortSignal: AbortSignal.timeout(CALL_MS),
  })
  return { account: reply.Account ?? '', arn: reply.Arn ?? '' }
}

export async function quotaValue(
  env: Env,
  { region, code }: { readonly region: string; readonly code: string },
): Promise<number> {
  const client = new ServiceQuotasClient(settings(env, region))
  const command = new GetServiceQuotaCommand({ ServiceCode: 'ec2', QuotaCode: code })
  const reply = await client.send(command, { abortSignal: AbortSignal.timeout(CALL_MS) })
  if (reply.Quota?.Value === undefined) throw new Error('AWS gave no value')
  return reply.Quota.Value
}

/** A VM that counts against the quotas of its region. */
export interface AwsUse {
  /** `g6.12xlarge` */
  readonly instance: string
  readonly vcpus: number
  readonly spot: boolean
}

/** What runs in the account, or is about to; one that is stopped counts for nothing. */
export async function inUse(env: Env, region: string): Promise<readonly AwsUse[]> {
  const client = new EC2Client(settings(env, region))
  const Filters = [{ Name: 'instance-state-name', Values: ['pending', 'running'] }]
  const abortSignal = AbortSignal.timeout(CALL_MS)
  const found: Instance[] = []
  const pages = paginateDescribeInstances({ client, pageSize: 1000 }, { Filters }, { abortSignal })
  for await (const { Reservations = [] } of pages)
    found.push(...Reservations.flatMap(({ Instances = [] }) => Instances))
  const vcpus = await vcpusOf(client, [...new Set(found.map(typeOf))], abortSignal)
  return found.map(one => ({
    instance: typeOf(one),
    vcpus: vcpus.get(typeOf(one)) ?? 0,
    spot: one.InstanceLifecycle === 'spot',
  }))
}

const typeOf = ({ InstanceType }: Instance): string => InstanceType ?? ''
/** Of one DescribeInstanceTypes. */
const MOST_TYPES = 100

/** The type's own count, which is what quotas go by, whatever its CPU options say. */
async function vcpusOf(client: EC2Client, types: readonly string[], abortSignal: AbortSignal) {
  const counts = new Map<string, number>()
  for (let from = 0; from < types.length; from += MOST_TYPES) {
    const Filters = [{ Name: 'instance-type', Values: types.slice(from, from + MOST_TYPES) }]
    const command = new DescribeInstanceTypesCommand({ Filters })
    const { InstanceTypes = [] } = await client.send(command, { abortSignal })
    for (const { InstanceType, VCpuInfo } of InstanceTypes)
      counts.set(InstanceType ?? '', VCpuInfo?.DefaultVCpus ?? 0)
  }
  return counts
}
