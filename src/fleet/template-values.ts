import { nearest } from '../text.ts'
import { AUTOSTOP_KEYS, RESOURCE_KEYS, WAIT_FOR } from './template-keys.ts'
import { article, type Entry, type Kind, scalar, type TemplateSource, type Value } from './template-source.ts'

export interface Autostop {
  readonly idleMinutes: number
  /** False: the VM would be stopped and kept. */
  readonly down: boolean
  /** What the idle time waits for; `none` makes it a time limit from launch. */
  readonly waitFor: (typeof WAIT_FOR)[number]
}

type Keys = Readonly<Record<string, readonly Kind[]>>
type Known<K extends Keys> = { readonly [key in keyof K]?: Entry }

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const TASK_NAME = /^[a-zA-Z0-9]+(?:[._-]{1,2}[a-zA-Z0-9]+)*$/
const MINUTES = { m: 1, h: 60, d: 24 * 60, w: 7 * 24 * 60 } as const
const MAX_PORTS = 100

/** The entries of a map whose keys and kinds are known; every other one is refused. */
export function known<K extends Keys>(source: TemplateSource, map: Value, keys: K, path = ''): Known<K> {
  const names = Object.keys(keys)
  const found: [string, Entry][] = []
  for (const entry of source.entries(map, path)) {
    const kinds = keys[entry.key]
    if (!kinds || !Object.hasOwn(keys, entry.key)) {
      const meant = nearest(entry.key, names)
      const hint = meant ? `Did you mean '${meant}'? ` : ''
      const place = path ? ` in ${path}` : ''
      source.refuse(entry.where, `unknown key '${entry.key}'${place}`, `${hint}Allowed: ${names.join(', ')}`)
    } else if (kinds.includes(entry.value.kind)) {
      found.push([entry.key, entry])
    } else {
      const what = `'${entry.path}' is ${article(entry.value.kind)}`
      source.refuse(entry.where, what, `It must be ${kinds.map(article).join(' or ')}`)
    }
  }
  return Object.fromEntries(found) as Known<K>
}

export function readResources(source: TemplateSource, entry: Entry | undefined): Known<typeof RESOURCE_KEYS> {
  if (!entry) return {}
  const resources = known(source, entry.value, RESOURCE_KEYS, 'resources')
  const { any_of: _any, ordered: _ordered, ...single } = RESOURCE_KEYS
  for (const list of [resources.any_of, resources.ordered]) {
    if (!list) continue
    for (const [index, item] of source.items(list.value).entries()) {
      const path = `${list.path}.${index}`
      if (item.kind === 'map') known(source, item, single, path)
      else source.refuse(item.where, `'${path}' is ${article(item.kind)}`, 'It must be a map of resources')
    }
  }
  return resources
}

export function readName(source: TemplateSource, entry: Entry | undefined): string | undefined {
  if (!entry) return undefined
  const name = textOf(entry)
  if (!TASK_NAME.test(name)) {
    source.refuse(entry.value.where, `the name "${name}"`, 'Letters and digits, joined by . _ or -')
  }
  return name
}

export function readNumNodes(source: TemplateSource, entry: Entry | undefined): number {
  if (!entry) return 1
  const count = Number(scalar(entry.value).value)
  if (count < 1) source.refuse(entry.value.where, `num_nodes is ${count}`, 'It must be 1 or more')
  return count
}

/** `envs` and `secrets`: null where the caller must give the value. */
export function readVariables(
  source: TemplateSource,
  word: 'envs' | 'secrets',
  entry: Entry | undefined,
): Record<string, string | null> {
  if (!entry || entry.value.kind === 'null') return {}
  if (entry.value.kind === 'list') return managedSecrets(source, source.items(entry.value))
  const values = source.entries(entry.value, word).map(({ key, where, value }): [string, string | null] => {
    const secret = word === 'secrets' && key.startsWith('secrets:')
    const name = secret ? key.slice('secrets:'.length) : key
    if (!VARIABLE.test(name)) {
      source.refuse(
        where,
        `'${name}' in ${word} is no variable name`,
        'Letters, digits and _, no digit first',
      )
    }
    if (secret && value.kind !== 'null') {
      source.refuse(where, `'${key}' has a value`, `Without 'secrets:' in front it may have one`)
    }
    return [name, variable(source, `${word}.${key}`, value)]
  })
  return Object.fromEntries(values)
}

export function readPorts(source: TemplateSource, entry: Entry | undefined): number[] {
  if (!entry) return []
  const values = entry.value.kind === 'list' ? source.items(entry.value) : [entry.value]
  const ports = values.flatMap(value => {
    if (value.kind === 'null' && values.length === 1) return []
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(scalar(value).source) ?? []
    const [first, last] = [Number(from), Number(to)]
    if (first >= 1 && first <= last && last <= 65_535) {
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    }
    const what = `the port ${scalar(value).source || value.kind}`
    source.refuse(value.where, what, 'A port is 1 to 65535, a range is "8000-8010"')
    return []
  })
  const distinct = [...new Set(ports)]
  if (distinct.length > MAX_PORTS) {
    source.refuse(entry.where, `${distinct.length} ports`, `Declare at most ${MAX_PORTS}`)
  }
  return distinct
}

/** The map, `false`, or a time (`10`, `10m`, `1h`), which stops the VM instead of ending it. */
export function readAutostop(source: TemplateSource, entry: Entry | undefined): Autostop | null {
  if (!entry || scalar(entry.value).value === false) return null
  if (entry.value.kind === 'map') return autostopMap(source, entry.value)
  const text = entry.value.kind === 'boolean' ? '0' : scalar(entry.value).source
  const [, count, unit = 'm'] = /^(\d+)([mhdw])?$/i.exec(text) ?? []
  if (count === undefined) {
    source.refuse(entry.value.where, `autostop is "${text}"`, 'A time is 10, "10m", "1h", "1d" or "1w"')
  }
  const minutes = MINUTES[unit.toLowerCase() as keyof typeof MINUTES]
  return { idleMinutes: Number(count ?? 0) * minutes, down: false, waitFor: 'jobs_and_ssh' }
}

export function readLabels(source: TemplateSource, entry: Entry | undefined): Record<string, string> {
  if (!entry) return {}
  const labels = source.entries(entry.value, entry.path).flatMap(({ key, path, where, value }) => {
    if (value.kind === 'string') return [[key, String(scalar(value).value)]]
    source.refuse(where, `'${path}' is ${article(value.kind)}`, 'A label is text: put it in quotes')
    return []
  })
  return Object.fromEntries(labels)
}

export function textOf(entry: Entry | undefined): string {
  return entry ? String(scalar(entry.value).value) : ''
}

function autostopMap(source: TemplateSource, value: Value): Autostop {
  const { idle_minutes, down, wait_for } = known(source, value, AUTOSTOP_KEYS, 'resources.autostop')
  const idleMinutes = idle_minutes ? Number(scalar(idle_minutes.value).value) : 0
  if (idle_minutes && idleMinutes < 0) {
    source.refuse(idle_minutes.value.where, `idle_minutes is ${idleMinutes}`, 'It must be 0 or more')
  }
  const waitFor = wait_for ? textOf(wait_for).toLowerCase() : 'jobs_and_ssh'
  const mode = WAIT_FOR.find(word => word === waitFor)
  if (wait_for && !mode) {
    source.refuse(wait_for.value.where, `wait_for is "${waitFor}"`, `Allowed: ${WAIT_FOR.join(', ')}`)
  }
  return {
    idleMinutes,
    down: down ? scalar(down.value).value === true : false,
    waitFor: mode ?? 'jobs_and_ssh',
  }
}

/** The list form of `secrets` names secrets that the caller or a provider gives: `secrets:HF_TOKEN`. */
function managedSecrets(source: TemplateSource, items: readonly Value[]): Record<string, null> {
  const names = items.flatMap(item => {
    const name = /^secrets:([A-Za-z_][A-Za-z0-9_]*)$/.exec(scalar(item).source)?.[1]
    if (name) return [name]
    source.refuse(item.where, `"${scalar(item).source}" in secrets`, 'In a list, write secrets:NAME')
    return []
  })
  return Object.fromEntries(names.map(name => [name, null]))
}

/**
 * A variable's text. SkyPilot gives `str()` of what Python reads, so what would not come out as written
 * (`0.50`, `010`, `yes`) is refused instead of changed.
 */
function variable(source: TemplateSource, path: string, value: Value): string | null {
  const { value: read, source: written } = scalar(value)
  if (value.kind === 'null') return null
  if (value.kind === 'string') return String(read)
  const asWritten = value.kind === 'date' ? /^\d{4}-\d\d-\d\d$/.test(written) : String(read) === written
  if ((value.kind === 'integer' || value.kind === 'number' || value.kind === 'date') && asWritten)
    return written
  const shown = written ? `${article(value.kind)} (${written})` : article(value.kind)
  source.refuse(value.where, `'${path}' is ${shown}`, 'A variable is text: put it in quotes')
  return null
}
