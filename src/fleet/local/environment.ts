import { userInfo } from 'node:os'
import type { Env } from '../../env.ts'

/** What jobs inherit from whoever launches: enough to find programs, caches and the network, and no credentials. */
const INHERITED = [
  /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|XDG_CACHE_HOME)$/,
  /^(https?|all|no|ftp)_proxy$/i,
  /^(SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS)$/,
  /^(PIP|UV|PYENV)_\w+$/,
  // A Python of the hosted runners does not start without it.
  /^LD_LIBRARY_PATH$/,
  // Lets the Actions runner end what outlived the job.
  /^RUNNER_TRACKING_ID$/,
]

export type Vars = Readonly<Record<string, string>>

export function inherited(env: Env): Vars {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => {
      const [name, value] = entry
      return value !== undefined && INHERITED.some(pattern => pattern.test(name))
    }),
  )
}

export interface Place {
  readonly id: string
  readonly name: string
  readonly bin: string
  readonly ports: Readonly<Record<string, number>>
  /** Folder of the cached setup; null when the VM has no setup. */
  readonly setup: string | null
}

/** What every process of a VM gets, in both phases, beside the template's variables. */
export function vmVars(base: Vars, { id, bin, ports, setup }: Place, templateFolder: string): Vars {
  return {
    ...base,
    PATH: `${bin}:${base.PATH ?? '/usr/local/bin:/usr/bin:/bin'}`,
    LMRUN_VM: id,
    LMRUN_TEMPLATE_DIR: templateFolder,
    ...Object.fromEntries(
      Object.entries(ports).map(([port, actual]) => [`LMRUN_PORT_${port}`, String(actual)]),
    ),
    ...(setup === null ? {} : { LMRUN_SETUP: setup }),
  }
}

/** https://docs.skypilot.co/en/latest/running-jobs/environment-variables.html */
export function skypilotVars(phase: 'setup' | 'run', { name }: Place, job: { id: number; at: Date }): Vars {
  const stamp = job.at.toISOString().replace(/[T:.]/g, '-').replace('Z', '000')
  const both = {
    SKYPILOT_CLUSTER_INFO: JSON.stringify({
      cluster_name: name,
      cloud: 'Local',
      region: 'local',
      zone: null,
    }),
    SKYPILOT_TASK_ID: `sky-${stamp}_${name}_${job.id}`,
    SKYPILOT_USER: userName(),
    SKYPILOT_NUM_NODES: '1',
  }
  if (phase === 'run') {
    return {
      ...both,
      SKYPILOT_NODE_RANK: '0',
      SKYPILOT_NODE_IPS: '127.0.0.1',
      SKYPILOT_NUM_GPUS_PER_NODE: '0',
    }
  }
  return {
    ...both,
    SKYPILOT_SETUP_NODE_RANK: '0',
    SKYPILOT_SETUP_NODE_IPS: '127.0.0.1',
    SKYPILOT_SETUP_NUM_GPUS_PER_NODE: '0',
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return 'user' // A container's user without an entry in passwd.
  }
}
