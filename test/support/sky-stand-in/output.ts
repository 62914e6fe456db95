/** What SkyPilot prints: shapes as recorded in test/fixtures/sky. */
import type { ClusterRecord } from './db.ts'
import type { JobRecord } from './vm.ts'

const RESET = '\u001b[0m'
const bold = (text: string) => `\u001b[1m${text}${RESET}`

/** `status -o json`, one entry. */
export function statusEntry(record: ClusterRecord) {
  const { name, launchedAt, status, autostop, toDown, infra, accelerators, labels } = record
  const [cloud = '', region = 'us-east-1'] = infra.split('/')
  return {
    name,
    launched_at: launchedAt,
    last_use: '',
    status,
    autostop,
    to_down: toDown,
    owner: null,
    metadata: null,
    cluster_hash: '5c0e97e3-6e8d-42f2-adb9-ac48ccff528e',
    cluster_ever_up: status === 'UP',
    status_updated_at: 0,
    user_hash: 'fcd1e5cf',
    user_name: 'root',
    config_hash: null,
    workspace: 'default',
    last_creation_yaml: null,
    last_creation_command: null,
    is_managed: false,
    last_event: null,
    init_kind: null,
    init_status_reason: null,
    resources_str: '1x(cpus=4, mem=16, ...)',
    resources_str_full: '1x(cpus=4, mem=16, disk=256)',
    nodes: 1,
    cloud: cloud.toUpperCase(),
    region,
    cpus: '4',
    memory: '16.0',
    accelerators,
    labels,
    cluster_name_on_cloud: null,
    node_names: `${name}-head`,
    priority: 0,
    priority_class: null,
    links: null,
  }
}

/** `queue -o json`, one entry. */
export function queueEntry(job: Omit<JobRecord, 'process'>) {
  const seconds = (ms: number | null) => (ms === null ? null : ms / 1000)
  return {
    job_id: job.id,
    job_name: job.name,
    username: 'root',
    user_hash: 'fcd1e5cf',
    submitted_at: job.submittedAt / 1000,
    start_at: seconds(job.startedAt),
    end_at: seconds(job.endedAt),
    resources: '1x[CPU:1]',
    status: job.status,
    log_path: job.logPath,
    metadata: {},
    links: {},
  }
}

/** `cost-report -o json`, one entry of what is up. */
export function costEntry(record: ClusterRecord) {
  const { name, launchedAt, status, infra } = record
  const duration = Math.round(Date.now() / 1000 - launchedAt)
  return {
    name,
    launched_at: launchedAt,
    duration,
    num_nodes: 1,
    resources: { infra, instance_type: 'g6.xlarge', use_spot: record.spot },
    usage_intervals: [[launchedAt, null]],
    status,
    user_hash: 'fcd1e5cf',
    user_name: 'root',
    workspace: 'default',
    total_cost: (duration / 3600) * 0.8,
    cloud: statusEntry(record).cloud,
    region: statusEntry(record).region,
    cpus: '4',
    memory: '16.0',
    accelerators: record.accelerators ?? 'None',
    resources_str: '1x(cpus=4, mem=16, ...)',
    resources_str_full: '1x(cpus=4, mem=16, disk=256)',
  }
}

export function consideredResources(infra: string, accelerators: string | null): string {
  const rule = '-'.repeat(92)
  const gpus = accelerators ?? '-'
  return `Considered resources (1 node):
${rule}
 INFRA                  INSTANCE    vCPUs   Mem(GB)   GPUS   COST ($)   CHOSEN
${rule}
 ${infra.padEnd(22)} g6.xlarge   4       16        ${gpus.padEnd(6)} 0.80          ✔
${rule}
`
}

export function launched(name: string, job: number): string {
  return `⚙︎ Job submitted, ID: ${job}

📋 Useful Commands
Job ID: ${job}
├── To cancel the job:\t\tsky cancel ${name} ${job}
├── To stream job logs:\t\tsky logs ${name} ${job}
└── To view job queue:\t\tsky queue ${name}
Cluster name: ${name}
├── To log into the head VM:\tssh ${name}
├── To submit a job:\t\tsky exec ${name} yaml_file
├── To stop the cluster:\tsky stop ${name}
└── To teardown the cluster:\tsky down ${name}
`
}

export const notFound = (name: string) => `Cluster(s) not found: ${bold(name)}.\n`

export const doesNotExist = (name: string) =>
  `sky.exceptions.ClusterDoesNotExist: \u001b[33mCluster '${name}' does not exist.${RESET}\n`
