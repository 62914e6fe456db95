import type { LaunchRequest, VmResources } from '../../fleet.ts'
import { cloudOf, hasSpot, opensPorts } from './clouds.ts'

/** SkyPilot's `resources`, or one of its alternatives, as parsed. */
export type Resources = Readonly<Record<string, unknown>>

/** More ways to launch one VM than anybody means. */
export const MAX_ALTERNATIVES = 64

/**
 * What a template asks for, with what the run asks for laid over it. The template's own alternatives are refined:
 * those that fit the request stay, and when none fits, each takes the request's place or GPU.
 */
export function overlayResources(
  template: Resources,
  { resources: asked, labels, joins = false }: Pick<LaunchRequest, 'resources' | 'labels' | 'joins'>,
): Resources {
  const { any_of, ordered, autostop: _lease, ...base } = template
  const key = any_of === undefined && ordered !== undefined ? 'ordered' : 'any_of'
  const listed = lists(any_of ?? ordered)
  const placed = narrow(
    (listed ?? [{}]).map(item => spelt({ ...base, ...item })),
    asked,
  )
  const alternatives = distinct(placed.map(item => finished(item, { ...asked, joins })))
  const common = shared(alternatives)
  const all = { ...common, labels: { ...record(base.labels), ...labels } }
  if (alternatives.length === 1) return all
  return { ...all, [key]: alternatives.map(item => without(item, Object.keys(common))) }
}

function narrow(items: readonly Resources[], { infra, accelerators }: VmResources): Resources[] {
  const gpus = choose(items, accelerators, {
    fits: (item, gpu) => normalGpu(item.accelerators) === normalGpu(gpu),
    set: (item, gpu) => ({ ...without(item, ['instance_type']), accelerators: gpu }),
  })
  return choose(gpus, infra, {
    fits: (item, place) => typeof item.infra === 'string' && within(item.infra, place),
    set: (item, place) => ({ ...item, infra: place }),
    open: item => item.infra === undefined,
  })
}

interface Choice {
  readonly fits: (item: Resources, wanted: string) => boolean
  readonly set: (item: Resources, wanted: string) => Resources
  /** Says nothing of it: takes whatever is wanted. */
  readonly open?: (item: Resources) => boolean
}

function choose(items: readonly Resources[], wanted: readonly string[], choice: Choice): Resources[] {
  if (wanted.length === 0) return [...items]
  const open = choice.open ?? (() => false)
  const kept = items.flatMap(item => {
    if (open(item)) return wanted.map(one => choice.set(item, one))
    return wanted.some(one => choice.fits(item, one)) ? [item] : []
  })
  return kept.length > 0 ? kept : items.flatMap(item => wanted.map(one => choice.set(item, one)))
}

/** One alternative with what holds wherever it runs. */
function finished(
  item: Resources,
  { spot, diskSize, maxHourlyCost, joins }: VmResources & { readonly joins: boolean },
): Resources {
  const infra = typeof item.infra === 'string' ? item.infra : undefined
  // In a mesh a service is reached by its name, and its port stays shut to the outside.
  const drop = [...(opensPorts(infra) && !joins ? [] : ['ports']), ...(hasSpot(infra) ? [] : ['use_spot'])]
  const caps = [item.max_hourly_cost, maxHourlyCost].filter(cap => typeof cap === 'number')
  return without(
    {
      ...item,
      ...(spot === undefined ? {} : { use_spot: spot }),
      ...(diskSize === undefined ? {} : { disk_size: diskSize }),
      ...(caps.length === 0 ? {} : { max_hourly_cost: Math.min(...caps) }),
    },
    ['labels', ...drop],
  )
}

/** `cloud`, `region` and `zone` as `infra`, `gpus` as `accelerators`: one way to say it. */
function spelt(item: Resources): Resources {
  const { cloud, region, zone, gpus, ...rest } = item
  const place = [cloud ?? '*', region ?? (zone === undefined ? undefined : '*'), zone]
  const infra = rest.infra ?? (cloud || region || zone ? place.filter(Boolean).join('/') : undefined)
  const accelerators = rest.accelerators ?? gpus
  return {
    ...rest,
    ...(infra === undefined ? {} : { infra }),
    ...(accelerators === undefined ? {} : { accelerators }),
  }
}

/** `aws/us-east-1` lies within `aws`. */
function within(place: string, wider: string): boolean {
  const [inner, outer] = [place, wider].map(text => [cloudOf(text), ...text.split('/').slice(1)])
  return (outer ?? []).every((part, index) => part === '*' || part === inner?.[index])
}

function normalGpu(value: unknown): string | null {
  if (typeof value === 'string') return value.includes(':') ? value.toLowerCase() : `${value.toLowerCase()}:1`
  const [only, ...more] = Object.entries(record(value))
  return only && more.length === 0 ? `${only[0]}:${only[1] ?? 1}`.toLowerCase() : null
}

/** What all alternatives say alike. */
function shared(items: readonly Resources[]): Resources {
  const [first = {}, ...others] = items
  return Object.fromEntries(
    Object.entries(first).filter(([key, value]) => others.every(other => same(other[key], value))),
  )
}

function distinct(items: readonly Resources[]): Resources[] {
  return items.filter((item, index) => items.findIndex(other => same(other, item)) === index)
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, sorted(item)])
}

function without(item: Resources, keys: readonly string[]): Resources {
  return Object.fromEntries(Object.entries(item).filter(([key]) => !keys.includes(key)))
}

function record(value: unknown): Resources {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function lists(value: unknown): Resources[] | undefined {
  return Array.isArray(value) ? value.map(record) : undefined
}
