import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Env } from '../../env.ts'

/** Of SkyPilot's configuration, what `sky api login` writes. */
const configSchema = z.looseObject({
  api_server: z.looseObject({ endpoint: z.string().nullish() }).nullish(),
})
/** Names of this machine, as SkyPilot takes them: sky/server/common.py. */
const HERE = ['0.0.0.0', 'localhost', '127.0.0.1', '[::]', '[::1]']

/**
 * The address of an API server of others: from the environment, else as `sky api login` left it in a file. Null: `sky`
 * starts one on this machine when there is none.
 * @param cwd where `sky` is called: it reads a configuration of the project there
 */
export async function sharedServer(env: Env, cwd: string): Promise<string | null> {
  const endpoint = env.SKYPILOT_API_SERVER_ENDPOINT || (await configured(env, cwd))
  if (!endpoint) return null
  const port = env.SKYPILOT_API_SERVER_LOCAL_PORT || '46580'
  const isHere = HERE.some(host => endpoint.replace(/\/+$/, '') === `http://${host}:${port}`)
  return isHere ? null : endpoint
}

/** The project's file counts before the user's; one that SkyPilot uses inside counts alone. */
async function configured(env: Env, cwd: string): Promise<string | undefined> {
  const home = env.HOME || homedir()
  const project = env.SKYPILOT_PROJECT_CONFIG || '.sky.yaml'
  const user = env.SKYPILOT_GLOBAL_CONFIG || '~/.sky/config.yaml'
  const files = env.SKYPILOT_CONFIG ? [env.SKYPILOT_CONFIG] : [project, user]
  for (const file of files) {
    const endpoint = await endpointIn(path.resolve(cwd, file.replace(/^~(?=\/|$)/, home)))
    if (endpoint) return endpoint
  }
  return undefined
}

/** SkyPilot takes a file that it cannot read for an empty one. */
async function endpointIn(file: string): Promise<string | undefined> {
  try {
    const config = configSchema.safeParse(parse(await readFile(file, 'utf8')))
    return config.data?.api_server?.endpoint ?? undefined
  } catch {
    return undefined
  }
}
