import path from 'node:path'
import { type Env, lmrunHome } from '../env.ts'
import { readKubeconfig } from '../kubeconfig.ts'
import { createAwsSource } from './aws.ts'
import type { SourceName, SweepSource } from './found.ts'
import { createGcpSource, GCP_ENDPOINT } from './gcp.ts'
import { createNodeSource } from './nodes.ts'
import type { SweepInputs } from './options.ts'

export interface SourceDeps {
  readonly repository: string | null
  readonly env: Env
  /** What leads to the credentials of AWS and Google Cloud. */
  readonly cloudEnv: Env
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  readonly warn: (text: string) => void
}

/**
 * The sources that were asked for. What one needs of the world is looked for when it is first used, so that one
 * without credentials does not stop the others.
 */
export async function createSources(inputs: SweepInputs, deps: SourceDeps): Promise<readonly SweepSource[]> {
  const { repository, cloudEnv: env } = deps
  const nodes =
    inputs.kubeconfig === undefined
      ? []
      : [createNodeSource(await readKubeconfig(inputs.kubeconfig, 'kubeconfig'))]
  const make: Record<(typeof inputs.sources)[number], () => SweepSource> = {
    aws: () => createAwsSource({ regions: inputs.awsRegions, repository, env }),
    gcp: () => lazySource('gcp', () => gcpSource(inputs.gcpProject, repository, env)),
    sky: () => lazySource('sky', () => skySource(deps)),
  }
  return [...inputs.sources.map(name => make[name]()), ...nodes]
}

/** The endpoint and the token are overridden as gcloud's are: by variables of the same names. */
async function gcpSource(
  given: string | undefined,
  repository: string | null,
  env: Env,
): Promise<SweepSource> {
  const endpoint = env.CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE?.replace(/\/+$/, '') || GCP_ENDPOINT
  const ready = env.CLOUDSDK_AUTH_ACCESS_TOKEN
  const { GoogleAuth } = await import('./google-auth.ts')
  const auth = new GoogleAuth({
    scopes: 'https://www.googleapis.com/auth/compute',
    ...(env.GOOGLE_APPLICATION_CREDENTIALS ? { keyFilename: env.GOOGLE_APPLICATION_CREDENTIALS } : {}),
  })
  const project = given ?? (env.GOOGLE_CLOUD_PROJECT || (await auth.getProjectId()))
  const token = async () => ready || (await auth.getAccessToken()) || ''
  return createGcpSource({ project, repository, endpoint, token })
}

async function skySource({ env, signal, log, warn }: SourceDeps): Promise<SweepSource> {
  const [{ findOrInstallSky }, { createSkyCli }, { LogGroups, PLAIN_GROUPS }, { createSkySource }] =
    await Promise.all([
      import('../fleet/sky/install.ts'),
      import('../fleet/sky/cli.ts'),
      import('../fleet/sky/log-groups.ts'),
      import('./sky.ts'),
    ])
  const { bin } = await findOrInstallSky({ infra: [], env, log, warn, signal })
  const records = path.join(lmrunHome(env), 'sweep')
  return createSkySource(createSkyCli({ bin, records, env, groups: new LogGroups(log, PLAIN_GROUPS) }))
}

function lazySource(name: SourceName, make: () => Promise<SweepSource>): SweepSource {
  let made: Promise<SweepSource> | undefined
  const source = () => {
    made ??= make()
    return made
  }
  return {
    name,
    find: async signal => (await source()).find(signal),
    end: async (found, signal) => (await source()).end(found, signal),
    remaining: async (found, signal) => (await source()).remaining(found, signal),
  }
}
