/** `rsync [options] FROM… TO`, one side being `NAME:path`: as far as files and folders are copied whole. */
import { existsSync } from 'node:fs'
import { cp, mkdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { placeOf } from './place.ts'
import { ask } from './wire.ts'

/** Options that take a value of their own. */
const VALUED = ['-e', '--rsh', '-f', '--filter', '--exclude', '--include', '--timeout', '--contimeout']

const args = process.argv.slice(2)
const paths: string[] = []
let excluded: string[] = []
let shell = ''
for (let at = 0; at < args.length; at += 1) {
  const arg = args[at] ?? ''
  if (!arg.startsWith('-')) paths.push(arg)
  else if (/^-[a-zA-Z]*e$/.test(arg) || arg === '--rsh') shell = args[++at] ?? ''
  else if (arg === '--exclude') excluded = [...excluded, args[++at] ?? '']
  else if (arg.startsWith('--exclude=')) excluded = [...excluded, arg.slice('--exclude='.length)]
  else if (VALUED.includes(arg)) at += 1
}
if (args.includes('--delete')) fail('the stand-in does not delete', 1)
const to = paths.pop()
if (to === undefined || paths.length === 0) fail('rsync error: syntax or usage error', 1)
if (!/ssh/.test(shell) && !args.some(arg => arg.startsWith('--rsh='))) fail('no remote shell given', 1)
const target = await localise(to)
for (const from of paths) await copy(await localise(from), target)

/** `NAME:path` as a path here: relative to that machine's home. */
async function localise(text: string): Promise<string> {
  const [, name, file] = /^(?:[^@/]+@)?([^:/]+):(.*)$/.exec(text) ?? []
  if (name === undefined || file === undefined) return text
  try {
    const home = await ask<string>(placeOf(process.env).cloud, { call: 'home', name })
    const inside = file.replace(/^~\/?/, '').replace(/^'(.*)'$/, '$1')
    return path.isAbsolute(inside) ? inside : `${home}/${inside}`
  } catch (error) {
    return fail(`${(error as Error).message}\nrsync: connection unexpectedly closed`, 255)
  }
}

async function copy(from: string, to: string): Promise<void> {
  if (!existsSync(from)) {
    fail(`rsync: [sender] link_stat "${from}" failed: No such file or directory (2)`, 23)
  }
  const folder = (await stat(from)).isDirectory()
  const into = to.endsWith('/') || (existsSync(to) && (await stat(to)).isDirectory())
  const name = folder && from.endsWith('/') ? '' : path.basename(from)
  const target = into || (folder && name) ? path.join(to, name) : to
  await mkdir(path.dirname(path.resolve(target)), { recursive: true })
  await put(from, target)
}

/** A file appears whole, as rsync renames it into place. */
async function put(from: string, to: string): Promise<void> {
  const filter = (file: string) => !excluded.includes(path.basename(file))
  if ((await stat(from)).isDirectory())
    return cp(from, to, { recursive: true, force: true, filter, preserveTimestamps: true })
  await rm(to, { force: true })
  await cp(from, to, { force: true, preserveTimestamps: true })
}

function fail(text: string, code: number): never {
  process.stderr.write(`${text}\n`)
  process.exit(code)
}
