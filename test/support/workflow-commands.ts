/** What the runner reads from a step: workflow commands on stdout and the files behind GITHUB_OUTPUT and its like. */

export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice'
  readonly message: string
  readonly title?: string
}

export interface StepLog {
  /** The log as it is shown: commands taken out, secrets masked. */
  readonly text: string
  readonly annotations: readonly Annotation[]
  /** Values given to add-mask. */
  readonly masks: readonly string[]
  /** Values of save-state commands (the old way beside GITHUB_STATE). */
  readonly state: Readonly<Record<string, string>>
}

interface Command {
  readonly name: string
  readonly properties: Readonly<Record<string, string>>
  readonly message: string
}

/** Reads a whole stdout. `secrets` are masked from the start, as the runner does with those it knows. */
export function readStepLog(stdout: string, secrets: readonly string[]): StepLog {
  const masks: string[] = []
  const annotations: Annotation[] = []
  const state: Record<string, string> = {}
  const shown: string[] = []
  let resume: string | null = null
  for (const line of stdout.split('\n')) {
    const command = parseCommand(line)
    if (resume !== null || command === null) {
      if (command?.name === resume) resume = null
      else shown.push(mask(line, [...secrets, ...masks]))
    } else if (command.name === 'add-mask') masks.push(command.message)
    else if (command.name === 'stop-commands') resume = command.message
    else if (command.name === 'save-state') state[command.properties.name ?? ''] = command.message
    else if (isLevel(command.name)) {
      annotations.push(toAnnotation(command.name, command, [...secrets, ...masks]))
      shown.push(mask(`${command.name}: ${command.message}`, [...secrets, ...masks]))
    }
  }
  return { text: shown.join('\n'), annotations, masks, state }
}

function toAnnotation(
  level: Annotation['level'],
  { properties, message }: Command,
  masks: readonly string[],
): Annotation {
  const title = properties.title
  return {
    level,
    message: mask(message, masks),
    ...(title === undefined ? {} : { title: mask(title, masks) }),
  }
}

function isLevel(name: string): name is Annotation['level'] {
  return name === 'error' || name === 'warning' || name === 'notice'
}

function mask(text: string, secrets: readonly string[]): string {
  return secrets
    .filter(secret => secret !== '')
    .reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
}

/** https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs */
function parseCommand(line: string): Command | null {
  const [, name, properties = '', message = ''] = /^\s*::([^\s:]+)(?: (.*?))?::(.*)$/.exec(line) ?? []
  if (name === undefined) return null
  const pairs = properties.split(',').filter(pair => pair.includes('='))
  return {
    name,
    properties: Object.fromEntries(
      pairs.map(splitPair).map(([key, value]) => [key, unescapeProperty(value)]),
    ),
    message: unescapeData(message),
  }
}

function splitPair(pair: string): readonly [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at).trim(), pair.slice(at + 1)]
}

function unescapeData(text: string): string {
  return text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%')
}

function unescapeProperty(text: string): string {
  return unescapeData(text.replaceAll('%3A', ':').replaceAll('%2C', ','))
}

/** `name=value` lines and `name<<DELIMITER` blocks; the last value of a name counts. Throws on anything else. */
export function readKeyValueFile(content: string): Record<string, string> {
  const lines = content.split('\n')
  const values: Record<string, string> = {}
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    if (line === '') continue
    const [, name, delimiter] = /^([^=]+?)<<(.+)$/.exec(line) ?? []
    if (name !== undefined) {
      const end = lines.indexOf(delimiter ?? '', at + 1)
      if (end < 0) throw new Error(`no line ${delimiter} after ${name}<<`)
      values[name] = lines.slice(at + 1, end).join('\n')
      at = end
    } else if (line.includes('=')) {
      const [key, value] = splitPair(line)
      values[key] = value
    } else throw new Error(`the runner would refuse this line: ${line}`)
  }
  return values
}
