import { InputError, type Problem } from '../../errors.ts'
import { nearest } from '../../text.ts'

/** What a user said of the network, from a file and from flags, each with where it was said. Nothing is checked yet. */
export interface Given {
  /** The first that was said: flag, file, environment, `.env`. */
  readonly main: Said | null
  readonly regions: readonly Said[]
  /** Regions whose VMs are to join by public addresses. */
  readonly public: readonly Said[]
  readonly vms: readonly (Said & { readonly name: string })[]
  readonly connect: readonly Said[]
  readonly taken: readonly Said[]
  readonly sshFrom: readonly Said[]
}

export interface Said {
  readonly where: string
  readonly value: unknown
}

export interface PlanFlags {
  readonly main?: string
  readonly region?: readonly string[]
  readonly public?: readonly string[]
  readonly connect?: readonly string[]
  readonly taken?: readonly string[]
  readonly sshFrom?: readonly string[]
}

/** What a file may say. `ssh-from` of the flags replaces that of the file; all other lists add up. */
export const FILE_KEYS = ['main', 'regions', 'vms', 'connect', 'taken', 'ssh-from'] as const
type FileKey = (typeof FILE_KEYS)[number]

/** A file's content, as YAML or JSON gives it. */
export interface PlanFile {
  /** For messages: `mesh.yaml`. */
  readonly name: string
  readonly content: unknown
}

/**
 * @param mainElsewhere the main region as the environment has it, already in order of precedence
 * @throws InputError for a file that is no map, and for keys that it may not have
 */
export function gather(flags: PlanFlags, file: PlanFile | null, mainElsewhere: readonly Said[] = []): Given {
  const said = readFile(file)
  const flag = (name: string, values: readonly string[] = []): readonly Said[] =>
    values.map(value => ({ where: `--${name}`, value }))
  const mains = [...flag('main', flags.main === undefined ? [] : [flags.main]), ...said.one('main')]
  const sshFrom = flag('ssh-from', flags.sshFrom)
  return {
    main: [...mains, ...mainElsewhere][0] ?? null,
    regions: [...said.list('regions'), ...flag('region', flags.region)],
    public: flag('public', flags.public),
    vms: said.map('vms'),
    connect: [...said.list('connect'), ...flag('connect', flags.connect)],
    taken: [...said.list('taken'), ...flag('taken', flags.taken)],
    sshFrom: sshFrom.length > 0 ? sshFrom : said.list('ssh-from'),
  }
}

interface FileReader {
  one(key: FileKey): readonly Said[]
  list(key: FileKey): readonly Said[]
  map(key: FileKey): readonly (Said & { readonly name: string })[]
}

function readFile(file: PlanFile | null): FileReader {
  if (file === null || isNothing(file.content)) return { one: () => [], list: () => [], map: () => [] }
  const { name, content } = file
  if (!isMap(content)) {
    const allowed = `Its keys are ${FILE_KEYS.join(', ')}`
    throw new InputError([{ where: name, what: 'is not a map', allowed }])
  }
  const problems = [...unknownKeys(name, content), ...wrongKinds(name, content)]
  if (problems.length > 0) throw new InputError(problems)
  const at = (key: FileKey) => (isNothing(content[key]) ? undefined : content[key])
  return {
    one: key => (at(key) === undefined ? [] : [{ where: `${name}: ${key}`, value: at(key) }]),
    list: key =>
      toList(at(key)).map((value, index) => ({ where: `${name}: ${key}, item ${index + 1}`, value })),
    map: key =>
      Object.entries(at(key) ?? {}).map(([item, value]) => ({
        where: `${name}: ${key}.${item}`,
        name: item,
        value,
      })),
  }
}

function unknownKeys(name: string, content: Readonly<Record<string, unknown>>): readonly Problem[] {
  return Object.keys(content)
    .filter(key => !FILE_KEYS.some(known => known === key))
    .map(key => {
      const near = nearest(key, FILE_KEYS)
      const allowed = near ? `Did you mean "${near}"?` : `Its keys are ${FILE_KEYS.join(', ')}`
      return { where: `${name}: ${key}`, what: 'there is no such key', allowed }
    })
}

/** Only the outermost form: what an item may be is for whoever reads it. */
function wrongKinds(name: string, content: Readonly<Record<string, unknown>>): readonly Problem[] {
  const isWrong = (key: FileKey, value: unknown) =>
    !isNothing(value) && key !== 'main' && (key === 'vms' ? !isMap(value) : isMap(value))
  return FILE_KEYS.filter(key => isWrong(key, content[key])).map(key => ({
    where: `${name}: ${key}`,
    what: key === 'vms' ? 'is not a map' : 'is not a list',
    allowed: key === 'vms' ? 'Give VM name: region, one a line' : 'Give its items with a dash before each',
  }))
}

const isNothing = (value: unknown) => value === undefined || value === null

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A list of one may be written without a dash. */
function toList(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}
