import type { Kind } from './template-source.ts'

/**
 * SkyPilot's keys and the kinds of value they take.
 * Source: sky/utils/schemas.py of SkyPilot 0.14.1, its internal keys (`_…`) left out.
 */
export const TASK_KEYS = {
  name: ['string'],
  workdir: ['string', 'map'],
  event_callback: ['string'],
  num_nodes: ['integer'],
  resources: ['map', 'null'],
  file_mounts: ['map'],
  service: ['map'],
  pool: ['map'],
  setup: ['string'],
  run: ['string'],
  envs: ['map', 'null'],
  secrets: ['map', 'list', 'null'],
  managed_secrets: ['list'],
  inputs: ['map'],
  outputs: ['map'],
  file_mounts_mapping: ['map'],
  config: ['map'],
  volumes: ['map'],
  volume_mounts: ['list'],
  api_server_access: ['boolean'],
} as const satisfies Record<string, readonly Kind[]>

export const RESOURCE_KEYS = {
  cloud: ['string'],
  region: ['string'],
  zone: ['string'],
  infra: ['string'],
  cpus: ['string', 'integer', 'number'],
  memory: ['string', 'integer', 'number'],
  accelerators: ['string', 'map', 'list'],
  gpus: ['string', 'map', 'list'],
  instance_type: ['string'],
  use_spot: ['boolean'],
  job_recovery: ['string', 'map'],
  volumes: ['list'],
  disk_size: ['string', 'integer'],
  ephemeral_storage: ['string', 'integer'],
  disk_tier: ['string'],
  network_tier: ['string'],
  local_disk: ['string'],
  max_hourly_cost: ['integer', 'number'],
  ports: ['string', 'integer', 'list', 'null'],
  labels: ['map'],
  accelerator_args: ['map'],
  image_id: ['string', 'map', 'null'],
  autostop: ['boolean', 'string', 'integer', 'map'],
  priority: ['integer'],
  priority_class: ['string'],
  any_of: ['list'],
  ordered: ['list'],
} as const satisfies Record<string, readonly Kind[]>

export const AUTOSTOP_KEYS = {
  idle_minutes: ['integer'],
  down: ['boolean'],
  wait_for: ['string'],
  hook: ['string'],
  hook_timeout: ['integer'],
} as const satisfies Record<string, readonly Kind[]>

/** https://docs.skypilot.co/en/latest/reference/auto-stop.html */
export const WAIT_FOR = ['jobs_and_ssh', 'jobs', 'none'] as const
