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
