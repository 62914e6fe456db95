import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Document, isMap, isScalar, parseDocument, Scalar, visit } from 'yaml'
import { InputError } from '../../../errors.ts'
import type { LaunchRequest, Task } from '../../fleet.ts'
import { type BoundTask, bindTask } from '../../task.ts'
import { identityConfig } from './clouds.ts'
import { absolute, shipped } from './inputs.ts'
import { secretProblems, skyProblems } from './problems.ts'
import { MAX_ALTERNATIVES, overlayResources, type Resources } from './resources.ts'
import { runScript, setupScript } from './scripts.ts'

/** What `sky launch` gets. */
export interface RenderedTask {
  /** A SkyPilot YAML that says nothing of secrets. */
  readonly yaml: string
  /** Values, for the VM alone: SkyPilot would keep them in files of its own. */
  readonly secrets: Readonly<Record<string, string>>
  /** `KEY=VALUE` for each `--config`: the VM's identity in the cloud. */
  readonly config: readonly string[]
}

/** Requests and tasks as SkyPilot takes them. */
export const skyRenderer = { render, bind }

/** @throws InputError with every problem of the template, or of what is asked of it */
async function render(request: LaunchRequest): Promise<RenderedTask> {
  const bound = await bindTask(request, skyProblems)
  const { path: file } = bound.template
  return renderTask(bound, request, await readFile(file, 'utf8'))
}

/** A task for a VM that is up: what was sent along at its launch is named as the VM sees it. @throws InputError */
async function bind(task: Task): Promise<BoundTask> {
  return bindTask({ ...task, envs: shipped(task.envs).envs }, skyProblems)
}

/** @param text of the template's file */
export function renderTask(bound: BoundTask, request: LaunchRequest, text: string): RenderedTask {
  const { template, secrets } = bound
  const document = editable(text)
  const { envs, mounts } = shipped(bound.envs)
  const resources = overlayResources(plain(document, 'resources'), request)
  checkCount(resources, template.file)
  const names = Object.keys(secrets)
  const problems = secretProblems(document.toJS() as Record<string, unknown>, names, template)
  if (problems.length > 0) throw new InputError(problems)
  document.set('resources', resources)
  // What k3s_agent goes by: a run says whether there is a mesh, by hand there is one.
  put(document, 'envs', { ...envs, LMRUN_MESH: request.joins ? 'join' : 'off' })
  document.delete('secrets')
  placeFiles(document, path.dirname(template.path), mounts)
  document.set('setup', literal(setupScript(template.setup, request.leaseMinutes, names)))
  document.set('run', literal(runScript(template.run, template.ports, names)))
  return { yaml: written(document), secrets, config: identityConfig(request.resources.infra) }
}

/** Comments and unknown keys stay as they are; a file with aliases is written out, so that no edit can orphan one. */
function editable(text: string): Document {
  const parsed = parseDocument(text, { version: '1.1' })
  let aliases = false
  visit(parsed, {
    Alias: () => {
      aliases = true
    },
    Scalar: (_key, node) => {
      // The library takes a lone "." for a number, PyYAML does not.
      if (Number.isNaN(node.value) && node.source === '.') node.value = '.'
    },
  })
  return aliases ? new Document(parsed.toJS({ maxAliasCount: 100 }), { version: '1.1' }) : parsed
}

function plain(document: Document, key: string): Resources {
  const node = document.get(key, true)
  return isMap(node) ? (node.toJS(document) as Resources) : {}
}

function put(document: Document, key: string, values: Readonly<Record<string, unknown>>): void {
  if (Object.keys(values).length > 0) document.set(key, document.createNode(values))
  else document.delete(key)
}

function checkCount(resources: Resources, where: string): void {
  const list = resources.any_of ?? resources.ordered
  if (!Array.isArray(list) || list.length <= MAX_ALTERNATIVES) return
  const allowed = `At most ${MAX_ALTERNATIVES}: give fewer places or accelerators`
  throw new InputError([{ where, what: `${list.length} alternatives of place and hardware`, allowed }])
}

function placeFiles(document: Document, folder: string, mounts: Readonly<Record<string, string>>): void {
  const workdir = document.get('workdir')
  if (typeof workdir === 'string') document.set('workdir', absolute(folder, workdir))
  const node = document.get('file_mounts', true)
  for (const { key } of isMap(node) ? [...node.items] : []) {
    const to = isScalar(key) ? key.value : key
    const from = document.getIn(['file_mounts', to])
    if (typeof from === 'string') document.setIn(['file_mounts', to], absolute(folder, from))
    const source = isMap(from) ? from.get('source') : undefined
    if (typeof source === 'string') document.setIn(['file_mounts', to, 'source'], absolute(folder, source))
  }
  // What `setIn` would make of nothing is an ordered map, which SkyPilot does not take.
  if (!isMap(node)) put(document, 'file_mounts', mounts)
  else for (const [to, from] of Object.entries(mounts)) node.set(to, from)
}

function literal(text: string): Scalar<string> {
  const scalar = new Scalar(text)
  scalar.type = Scalar.BLOCK_LITERAL
  return scalar
}

/** What PyYAML does not take as it is, or takes for the end of a line. */
const UNPRINTABLE = /[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/gu

function written(document: Document): string {
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value === 'string' && node.value.search(UNPRINTABLE) >= 0)
        node.type = Scalar.QUOTE_DOUBLE
    },
  })
  const text = document.toString({ lineWidth: 0 })
  return text.replace(UNPRINTABLE, char => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`)
}
