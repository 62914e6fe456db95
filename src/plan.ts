import { existsSync } from 'node:fs'
import path from 'node:path'
import { packageRoot } from './env.ts'
import type { LaunchRequest } from './fleet/fleet.ts'
import type { Service } from './mesh/mesh.ts'
import type { BenchOptions, ModelOptions } from './options.ts'
import { type Run, vmName } from './run.ts'

/** The port that a model server's template declares, before any remapping by the fleet. */
const SERVER_PORT = 8000

/** What will be launched and asked, decided before anything is. */
export interface Plan {
  readonly client: LaunchRequest
  readonly models: readonly PlannedModel[]
}

export interface PlannedModel {
  readonly key: string
  readonly options: ModelOptions
  readonly server: LaunchRequest
  readonly service: Service
}

export function createPlan(options: BenchOptions, secrets: Readonly<Record<string, string>>, run: Run): Plan {
  const { leaseMinutes, infra } = options
  const shared = { secrets, leaseMinutes }
  const clientName = vmName('client', run.short)
  return {
    client: {
      ...shared,
      name: clientName,
      template: path.resolve(options.clientTemplate ?? bundledTemplate(infra, 'livebench-client.yaml')),
      envs: { STEP: 'prepare', SERVER: '', API_BASE: '', MODEL: '', ...benchmarkEnvs(options) },
      labels: { ...run.labels, 'lmrun-role': 'client' },
    },
    models: Object.entries(options.models).map(([key, model]) => {
      const name = vmName(key, run.short)
      const template = model.template ?? options.serverTemplate ?? bundledTemplate(infra, 'model-server.yaml')
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
          ...shared,
          name,
          template: path.resolve(template),
          envs: { ...envs, ...model.environment },
          labels: { ...run.labels, 'lmrun-role': 'server' },
        },
      }
    }),
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

function benchmarkEnvs(options: BenchOptions): Record<string, string> {
  return {
    BENCHMARK: options.benchmark.join(' '),
    QUESTIONS: options.questions === 'smoke' ? 'smoke' : path.resolve(options.questions),
    RELEASE: options.release ?? '',
    PARALLEL: String(options.parallel),
    MAX_TOKENS: String(options.maxTokens),
  }
}

/** A hub id stays as it is; a file of this machine is named in full, because a VM has a working folder of its own. */
function servedModel(model: string): string {
  return existsSync(model) ? path.resolve(model) : model
}

function bundledTemplate(infra: BenchOptions['infra'], name: string): string {
  return path.join(packageRoot(), 'templates', infra, name)
}
