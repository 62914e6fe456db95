import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { InputError } from '../errors.ts'
import { TASK_KEYS } from './template-keys.ts'
import { article, TemplateSource } from './template-source.ts'
import {
  type Autostop,
  known,
  readAutostop,
  readLabels,
  readName,
  readNumNodes,
  readPorts,
  readResources,
  readVariables,
  textOf,
} from './template-values.ts'

/** A SkyPilot YAML: what it says, not yet what a fleet can do with it. */
export interface Template {
  /** Absolute path of the file. */
  readonly path: string
  /** The file as messages name it. */
  readonly file: string
  readonly name: string | undefined
  /** Null: the caller must give the value. */
  readonly envs: Readonly<Record<string, string | null>>
  readonly secrets: Readonly<Record<string, string | null>>
  readonly setup: string
  readonly run: string
  readonly numNodes: number
  readonly ports: readonly number[]
  /** Null: none, or `false`. */
  readonly autostop: Autostop | null
  readonly labels: Readonly<Record<string, string>>
  /** `file:line:col` of every key that is given, by dotted path: `resources.ports`. */
  readonly places: ReadonlyMap<string, string>
}

const MAX_BYTES = 1024 * 1024

/**
 * Reads a SkyPilot YAML and checks it against SkyPilot's own keys and kinds.
 * @throws InputError with every problem of the file
 */
export async function readTemplate(file: string): Promise<Template> {
  const shown = short(file)
  const refuse = (what: string, allowed = 'Give the path of a SkyPilot YAML'): never => {
    throw new InputError([{ where: shown, what, allowed }])
  }
  const info = await stat(file).catch((cause: Error) => refuse(reason(cause)))
  if (!info.isFile()) return refuse('not a file')
  if (info.size > MAX_BYTES) return refuse(`${info.size} bytes`, `A template holds at most ${MAX_BYTES}`)
  const bytes = await readFile(file).catch((cause: Error) => refuse(cause.message, 'Make it readable'))
  return parseTemplate(decode(bytes) ?? refuse('not UTF-8 text'), { file: shown, path: path.resolve(file) })
}

/** @throws InputError with every problem of the text */
export function parseTemplate(
  text: string,
  { file, path }: { readonly file: string; readonly path: string },
): Template {
  const source = new TemplateSource(text, file)
  const { root } = source
  if (source.problems.length === 0 && root.kind !== 'map') {
    const what =
      root.kind === 'null' ? 'the file is empty' : `${article(root.kind)} where a map of keys belongs`
    source.refuse(file, what, `Give some of: ${Object.keys(TASK_KEYS).join(', ')}`)
  }
  // What follows a syntax error would only be noise.
  if (source.problems.length > 0) throw new InputError(source.problems)

  const task = known(source, root, TASK_KEYS)
  const resources = readResources(source, task.resources)
  const template: Template = {
    path,
    file,
    name: readName(source, task.name),
    envs: readVariables(source, 'envs', task.envs),
    secrets: readVariables(source, 'secrets', task.secrets),
    setup: textOf(task.setup),
    run: textOf(task.run),
    numNodes: readNumNodes(source, task.num_nodes),
    ports: readPorts(source, resources.ports),
    autostop: readAutostop(source, resources.autostop),
    labels: readLabels(source, resources.labels),
    places: source.places,
  }
  if (source.problems.length > 0) throw new InputError(source.problems)
  return template
}

function reason(cause: Error): string {
  return 'code' in cause && cause.code === 'ENOENT' ? 'there is no such file' : cause.message
}

function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Relative when that is the shorter way to say it. */
function short(file: string): string {
  const relative = path.relative(process.cwd(), file)
  return relative.startsWith('..') ? file : relative
}
