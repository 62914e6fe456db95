import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parseDocument } from 'yaml'
import { currentEnv, type Env } from './env.ts'
import { InputError, type Problem } from './errors.ts'
import { type BenchOptions, optionNames, parseOptions, type RawOptions } from './options.ts'

/** Everything a run needs from outside, read once: options, and the values of the named secrets. */
export interface Inputs {
  readonly options: BenchOptions
  /** Values of `options.secrets`; never written anywhere. */
  readonly secrets: Readonly<Record<string, string>>
  /** Writes the comment; empty when there is none. */
  readonly githubToken: string
}

/** The action's inputs, as the runner hands them over: `INPUT_<NAME>`, spaces only replaced. */
export function loadActionInputs(env: Env = currentEnv()): Inputs {
  const label = (name: string) => `input ${name}`
  const get = (name: string) => env[`INPUT_${name.toUpperCase()}`]?.trim() ?? ''
  const problems: Problem[] = []
  const raw: RawOptions = {
    ...Object.fromEntries(optionNames.map(name => [name, get(name)])),
    models: parseModels(get('models'), label('models'), problems),
  }
  return { ...finish(raw, label, problems, env), githubToken: get('github-token') }
}

export interface CliInputs {
  /** Flags as given, by option name; absent ones undefined. */
  readonly flags: Readonly<Record<string, string | undefined>>
  /** `--config`; without it `lmrun.yaml` of the current folder, when there is one. */
  readonly config?: string
  readonly cwd: string
}

/** Flags of `lmrun bench` over lmrun.yaml over defaults. */
export async function loadCliInputs(cli: CliInputs, env: Env = currentEnv()): Promise<Inputs> {
  const problems: Problem[] = []
  const file = configFile(cli, problems)
  const fromFile = file === undefined ? {} : await readConfig(file, problems)
  const fromFlags: Record<string, unknown> = Object.fromEntries(
    Object.entries(cli.flags).filter(([, value]) => value !== undefined),
  )
  if (typeof fromFlags.models === 'string') {
    fromFlags.models = parseModels(fromFlags.models, '--models', problems)
  }
  const label = (name: string) =>
    Object.hasOwn(fromFlags, name) || file === undefined ? `--${name}` : `${path.basename(file)}: ${name}`
  return {
    ...finish({ ...fromFile, ...fromFlags }, label, problems, env),
    githubToken: env.GITHUB_TOKEN ?? '',
  }
}

function finish(
  raw: RawOptions,
  label: (name: string) => string,
  problems: Problem[],
  env: Env,
): Omit<Inputs, 'githubToken'> {
  const parsed = parseOptions(raw, label)
  const known = new Set(problems.map(problem => problem.where))
  problems.push(...parsed.problems.filter(problem => !known.has(problem.where)))
  if (!('value' in parsed) || problems.length > 0) throw new InputError(problems)
  const secrets = readSecrets(parsed.value.secrets, label('secrets'), env)
  return { options: parsed.value, secrets }
}

function parseModels(source: string, where: string, problems: Problem[]): unknown {
  if (source === '') return undefined
  return parseYaml(source, where, problems)
}

function parseYaml(source: string, where: string, problems: Problem[]): unknown {
  const document = parseDocument(source, { prettyErrors: true, uniqueKeys: true })
  for (const error of document.errors) {
    const [line] = error.message.split('\n')
    problems.push({ where, what: `not valid YAML: ${line}`, allowed: 'Mend it there' })
  }
  if (document.errors.length > 0) return undefined
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    problems.push({
      where,
      what: `not usable YAML: ${(error as Error).message}`,
      allowed: 'Leave out aliases',
    })
    return undefined
  }
}

function configFile({ config, cwd }: CliInputs, problems: Problem[]): string | undefined {
  const file = path.resolve(cwd, config ?? 'lmrun.yaml')
  if (existsSync(file)) return file
  if (config !== undefined) {
    problems.push({
      where: '--config',
      what: `there is no file ${file}`,
      allowed: 'Give the path of a YAML file of options',
    })
  }
  return undefined
}

async function readConfig(file: string, problems: Problem[]): Promise<RawOptions> {
  const where = path.basename(file)
  let source: string
  try {
    source = await readFile(file, 'utf8')
  } catch (error) {
    const what = `cannot be read: ${(error as Error).message}`
    problems.push({ where, what, allowed: 'Give the path of a YAML file of options' })
    return {}
  }
  const value = parseYaml(source, where, problems) ?? {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as RawOptions
  problems.push({ where, what: 'is not a map of options', allowed: `Its keys are ${optionNames.join(', ')}` })
  return {}
}

function readSecrets(names: readonly string[], where: string, env: Env): Record<string, string> {
  const missing = names.filter(name => !env[name])
  if (missing.length > 0) {
    throw new InputError(
      missing.map(name => ({
        where,
        what: `the environment variable ${name} is not set, or empty`,
        allowed: `Set it (in a workflow: env: ${name}: \${{ secrets.${name} }}), or take the name out`,
      })),
    )
  }
  return Object.fromEntries(names.map(name => [name, env[name] ?? '']))
}
