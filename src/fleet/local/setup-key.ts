import { execFile } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import { readdir, readFile, readlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { LmrunError } from '../../errors.ts'
import type { Vars } from './environment.ts'

export interface SetupSource {
  readonly text: string
  /** All variables of the setup but the secrets. */
  readonly vars: Vars
  readonly secretNames: readonly string[]
  readonly templateFolder: string
}

/** They name the place of the setup, not what goes into it. */
const PLACES = ['LMRUN_VM', 'LMRUN_SETUP', 'LMRUN_TEMPLATE_DIR', 'PATH', 'HOME', 'TMPDIR']
const IGNORED = ['.git', '__pycache__', 'node_modules']
const MAX_FILES = 2000

/**
 * What a setup's result depends on, as one key: its text, the variables whose names occur in the text, the names of
 * secrets, the files it names by LMRUN_TEMPLATE_DIR, the platform and the Python.
 */
export async function setupKey(source: SetupSource): Promise<string> {
  const { text, vars, secretNames, templateFolder } = source
  const hash = createHash('sha256')
  const used = Object.keys(vars)
    .filter(name => !PLACES.includes(name) && new RegExp(`\\b${name}\\b`).test(text))
    .sort()
  add(hash, 'text', text)
  for (const name of used) add(hash, `env ${name}`, vars[name] ?? '')
  for (const name of secretNames.toSorted()) add(hash, 'secret', name)
  add(hash, 'platform', `${process.platform} ${process.arch}`)
  add(hash, 'python', await python(vars))
  for (const folder of namedFolders(text)) await addFolder(hash, templateFolder, folder)
  return hash.digest('hex').slice(0, 32)
}

/**
 * Folders below the template's that a setup names: `$LMRUN_TEMPLATE_DIR/a/b.txt` names all of `a`, for the file may
 * use its neighbours; any other mention names the template's whole folder.
 */
export function namedFolders(text: string): string[] {
  const named = [...text.matchAll(/LMRUN_TEMPLATE_DIR\}?["']?(?:\/([\w./-]*))?/g)].map(([, file = '']) =>
    file.endsWith('/') ? path.posix.normalize(file) : path.posix.dirname(file),
  )
  return [...new Set(named.map(folder => folder.replace(/\/$/, '')))].sort()
}

async function addFolder(hash: Hash, root: string, folder: string): Promise<void> {
  const base = path.join(root, folder)
  const entries = await readdir(base, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries
    .filter(entry => !entry.isDirectory())
    .map(entry => ({ entry, file: path.join(entry.parentPath, entry.name) }))
    .filter(
      ({ file }) =>
        !path
          .relative(base, file)
          .split(path.sep)
          .some(part => IGNORED.includes(part)),
    )
    .sort((a, b) => (a.file < b.file ? -1 : 1))
  if (files.length > MAX_FILES) {
    throw new LmrunError(`the setup depends on ${files.length} files in ${base}`, {
      hint: `Keep what it needs in a folder of its own beside the template, with at most ${MAX_FILES} files.`,
    })
  }
  for (const { entry, file } of files) {
    const content = entry.isSymbolicLink() ? await readlink(file) : entry.isFile() ? await readFile(file) : ''
    add(hash, `file ${path.relative(root, file)}`, content)
  }
}

/** With the length in front, no two different lists of parts give the same bytes. */
function add(hash: Hash, label: string, content: string | Buffer): void {
  hash
    .update(`${label} ${Buffer.byteLength(content)}\n`)
    .update(content)
    .update('\n')
}

async function python(vars: Vars): Promise<string> {
  try {
    const command = 'import sys; print(sys.version, sys.executable)'
    const { stdout } = await promisify(execFile)('python3', ['-c', command], { env: vars, timeout: 30_000 })
    return stdout
  } catch {
    return 'none'
  }
}
