import { existsSync } from 'node:fs'
import path from 'node:path'
import { SERVER_KEY } from './api-key.ts'
import { packageRoot } from './env.ts'
import { type FleetKind, type LaunchRequest, NO_RESOURCES, type VmResources } from './fleet/fleet.ts'
import { canJoin } from './fleets.ts'
import { LABEL, ownerLabels } from './labels.ts'
import type { Service } from './mesh/mesh.ts'
import { allInfra, type BenchOptions, fleetKind, isBundled, isHub, type ModelOptions } from './options.ts'
import { type Run, vmName, warmVmName } from './run.ts'

/** The port that a model server's template declares, before any remapping by the fleet. */
const SERVER_PORT = 8000

/** What will be launched and asked, decided before anything is. */
export interface Plan {
  readonly mesh: MeshPlan
  readonly client: LaunchRequest
  readonly models: readonly PlannedModel[]
}

/** How the VMs of a run reach each other. */
export type MeshPlan =
  /** By open ports, or on this machine. */
  | { readonly kind: 'direct' }
  /** In a mesh whose main is launched with the run and ends with it; `adopt`: unless a VM of its name is up. */
  | { readonly kind: 'main'; readonly main: LaunchRequest; readonly adopt: boolean }
  /** In a mesh that is up and stays. */
  | { readonly kind: 'shared'; readonly kubeconfig: string }

export interface PlannedModel {
  readonly key: string
  readonly options: ModelOptions
  readonly server: LaunchRequest
  readonly service: Service
}

export interface PlanSources {
  /** Values of the user's secrets. */
  readonly secrets: Readonly<Record<string, string>>
  /** What the servers ask of whoever wants answers; absent where nobody else can reach them. */
  readonly apiKey?: string
  readonly run: Run
  /** Unix milliseconds: VMs say when they are nobody's any more. */
  readonly now: number
}

/** After the run's limit: the lease that was last renewed, and the time to end everything. */
export const TEARDOWN_MINUTES = 10

export function createPlan(options: BenchOptions, { secrets, apiKey, run, now }: PlanSources): Plan {
  const { leaseMinutes, reuse } = options
  const kind = fleetKind(options)
  const minutes = options.maxMinutes + leaseMinutes + TEARDOWN_MINUTES
  const owner = { ...run.owner, expiry: now / 1000 + minutes * 60 }
  const shared = { secrets, leaseMinutes }
  const mesh = planMesh(options, { run, labels: ownerLabels({ ...owner, ending: 'down' }) })
  const joins = mesh.kind === 'direct' ? {} : { joins: true }
  return {
    mesh,
    client: {
      ...joins,
      ...shared,
      name: vmName('client', run.short),
      template: path.resolve(options.clientTemplate ?? bundledTemplate(kind, clientName(kind, options))),
      envs: { STEP: 'prepare', SERVER: '', API_BASE: '', MODEL: '', ...benchmarkEnvs(options) },
      labels: { ...ownerLabels({ ...owner, ending: 'down' }), [LABEL.role]: 'client' },
      resources: kind === 'local' ? NO_RESOURCES : { ...NO_RESOURCES, infra: options.clientInfra },
      reuse: false,
    },
    models: Object.entries(options.models).map(([key, model]) => {
      const name = reuse ? warmVmName(key) : vmName(key, run.short)
      const template = model.template ?? options.serverTemplate ?? bundledTemplate(kind, 'model-server.yaml')
      const envs = {
        MODEL: servedModel(model.model),
        VERSION: model.revision ?? '',
        SERVE_OPTS: model.serveOptions,
      }
      return {
        key,
        options: model,
        service: { name, port: SERVER_PORT },
        server: {
          ...joins,
          ...shared,
          ...(apiKey === undefined ? {} : { secrets: { ...secrets, [SERVER_KEY]: apiKey } }),
          name,
          template: path.resolve(template),
          envs: { ...envs, ...model.environment },
          labels: {
            ...ownerLabels({ ...owner, ending: reuse ? 'keep' : 'down' }),
            [LABEL.role]: 'server',
          },
          resources: kind === 'local' ? NO_RESOURCES : serverResources(options, model),
          reuse,
        },
      }
    }),
  }
}

function planMesh(
  options: BenchOptions,
  { run, labels }: { readonly run: Run; readonly labels: Readonly<Record<string, string>> },
): MeshPlan {
  const { mesh, meshKubeconfig, clientInfra, leaseMinutes } = options
  if (!allInfra(options).every(canJoin)) return { kind: 'direct' }
  if (meshKubeconfig !== undefined) return { kind: 'shared', kubeconfig: meshKubeconfig }
  if (mesh === 'off') return { kind: 'direct' }
  const adopt = mesh !== 'auto'
  const main: LaunchRequest = {
    ...{ leaseMinutes, reuse: false, envs: {}, secrets: {} },
    name: adopt ? mesh : vmName('main', run.short),
    template: bundledTemplate('sky', 'main.yaml'),
    labels: { ...labels, [LABEL.role]: 'main' },
    resources: { ...NO_RESOURCES, infra: clientInfra },
  }
  return { kind: 'main', main, adopt }
}

function serverResources(options: BenchOptions, model: ModelOptions): VmResources {
  const { infra, accelerators, spot, diskSize, maxHourlyCost } = options
  return {
    infra,
    accelerators,
    ...(spot === undefined ? {} : { spot }),
    ...(diskSize === undefined ? {} : { diskSize }),
    ...(maxHourlyCost === undefined ? {} : { maxHourlyCost }),
    ...model.resources,
  }
}

/** The client's variables for one step of one model, beside those it was launched with. Address: "" when it is gone. */
export function stepEnvs(
  step: 'answer' | 'grade',
  model: PlannedModel,
  address: string,
): Record<string, string> {
  return { STEP: step, SERVER: model.service.name, API_BASE: address && `${address}/v1`, MODEL: model.key }
}

/** Grading runs model-written code: its job gets no secrets. */
export function stepSecrets(
  step: 'answer' | 'grade',
  { secrets }: Pick<LaunchRequest, 'secrets'>,
  { apiKey }: Pick<PlanSources, 'apiKey'>,
): Readonly<Record<string, string>> {
  if (step === 'grade') return {}
  return apiKey === undefined ? secrets : { ...secrets, LIVEBENCH_API_KEY: apiKey }
}

function benchmarkEnvs(options: BenchOptions): Record<string, string> {
  return {
    BENCHMARK: options.benchmark.join(' '),
    QUESTIONS: isBundled(options) || isHub(options) ? options.questions : path.resolve(options.questions),
    RELEASE: options.release ?? '',
    PARALLEL: String(options.parallel),
    MAX_TOKENS: String(options.maxTokens),
  }
}

/** A hub id stays as it is; a file of this machine is named in full, because a VM has a working folder of its own. */
function servedModel(model: string): string {
  return existsSync(model) ? path.resolve(model) : model
}

/** The real LiveBench grades its own questions; ours for the smoke test are lmrun's, on any machine. */
function clientName(kind: FleetKind, options: BenchOptions): string {
  return kind === 'sky' && isBundled(options) ? 'smoke-client.yaml' : 'livebench-client.yaml'
}

function bundledTemplate(kind: FleetKind, name: string): string {
  return path.join(packageRoot(), 'templates', kind === 'local' ? 'local' : '', name)
}
