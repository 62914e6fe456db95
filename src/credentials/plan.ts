import path from 'node:path'
import type { Env } from '../env.ts'
import { InputError, type Problem } from '../errors.ts'
import type { BenchOptions } from '../options.ts'
import { canAskForIdToken } from './id-token.ts'

/** What of the options says who the run is in a cloud. */
export type CloudIdentity = Pick<
  BenchOptions,
  'awsRole' | 'gcpWorkloadIdentityProvider' | 'gcpServiceAccount'
>

/** One id-token that is kept fresh in a file. */
export interface TokenFile {
  readonly audience: string
  readonly file: string
}

export interface CredentialsPlan {
  readonly tokens: readonly TokenFile[]
  /** Files without secrets that lead to the tokens. */
  readonly documents: readonly { readonly file: string; readonly value: object }[]
  /** For every `sky` call; undefined: taken out, since it would win over the role. */
  readonly env: Env
}

/** Decides which files and variables make SkyPilot's SDKs become the role. Empty without such options. */
export function planCredentials(
  identity: CloudIdentity,
  { env, folder }: { readonly env: Env; readonly folder: string },
): CredentialsPlan {
  const problems = identityProblems(identity, env)
  if (problems.length > 0) throw new InputError(problems)
  const aws = identity.awsRole === undefined ? NOTHING : awsPlan(identity.awsRole, env, folder)
  const { gcpWorkloadIdentityProvider: provider, gcpServiceAccount: account } = identity
  const gcp = provider && account ? gcpPlan(provider, account, env, folder) : NOTHING
  return {
    tokens: [...aws.tokens, ...gcp.tokens],
    documents: [...aws.documents, ...gcp.documents],
    env: { ...aws.env, ...gcp.env },
  }
}

const NOTHING: CredentialsPlan = { tokens: [], documents: [], env: {} }

function identityProblems(identity: CloudIdentity, env: Env): readonly Problem[] {
  const { awsRole, gcpWorkloadIdentityProvider: provider, gcpServiceAccount: account } = identity
  const problems: Problem[] = []
  if ((awsRole || provider) && !canAskForIdToken(env)) {
    problems.push({
      where: awsRole ? 'aws-role' : 'gcp-workload-identity-provider',
      what: 'the job may not ask for an id-token',
      allowed:
        'Add `permissions: id-token: write` to the job, or leave it out and give credentials by the environment',
    })
  }
  if (Boolean(provider) !== Boolean(account)) {
    problems.push({
      where: provider ? 'gcp-service-account' : 'gcp-workload-identity-provider',
      what: 'is missing',
      // A bare federated identity has no account that gcloud could name, and SkyPilot asks gcloud who it is.
      allowed: 'Give both: SkyPilot works as a service account, which the provider may impersonate',
    })
  }
  return problems
}

/** botocore reads the file again whenever it renews the role's session; static keys and profiles would win over it. */
function awsPlan(role: string, env: Env, folder: string): CredentialsPlan {
  const file = path.join(folder, 'aws.token')
  return {
    tokens: [{ audience: 'sts.amazonaws.com', file }],
    documents: [],
    env: {
      AWS_ROLE_ARN: role,
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_SESSION_NAME: `lmrun-${env.GITHUB_RUN_ID ?? 'run'}`,
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_SESSION_TOKEN: undefined,
      AWS_CREDENTIAL_EXPIRATION: undefined,
      AWS_PROFILE: undefined,
      AWS_DEFAULT_PROFILE: undefined,
    },
  }
}

/** The same file for Google's libraries and for gcloud, which SkyPilot asks for the account. */
function gcpPlan(provider: string, account: string, env: Env, folder: string): CredentialsPlan {
  const token = path.join(folder, 'gcp.token')
  const file = path.join(folder, 'gcp.json')
  const project = env.GOOGLE_CLOUD_PROJECT || env.CLOUDSDK_CORE_PROJECT || projectOf(account)
  const impersonate = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`
  return {
    tokens: [{ audience: `https://iam.googleapis.com/${provider}`, file: token }],
    documents: [
      {
        file,
        value: {
          type: 'external_account',
          audience: `//iam.googleapis.com/${provider}`,
          subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
          token_url: 'https://sts.googleapis.com/v1/token',
          credential_source: { file: token, format: { type: 'text' } },
          service_account_impersonation_url: impersonate,
        },
      },
    ],
    env: {
      GOOGLE_APPLICATION_CREDENTIALS: file,
      CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE: file,
      ...(project ? { GOOGLE_CLOUD_PROJECT: project, CLOUDSDK_CORE_PROJECT: project } : {}),
    },
  }
}

/** `lmrun@my-project.iam.gserviceaccount.com` → `my-project` */
function projectOf(account: string): string | undefined {
  return /@([a-z0-9-]+)\.iam\.gserviceaccount\.com$/.exec(account)?.[1]
}
