/** A lab's folder, outside of its machines: certificates, logs. Its name says whose it is. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const NAME = /^lmrun-mesh-lab-(\d+)-(\d+)-/

export async function labFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), `lmrun-mesh-lab-${process.pid}-${startOf(process.pid)}-`))
  await mkdir(path.join(folder, 'pki'), { mode: 0o700 })
  await mkdir(path.join(folder, 'logs'))
  return folder
}

/** Removes the folders of labs whose process is gone: all else of them went with it. */
export async function sweepFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid, start] = NAME.exec(name) ?? []
    if (pid !== undefined && startOf(Number(pid)) !== start) await removeFolder(path.join(tmpdir(), name))
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}

/** When a process started, in ticks: a process id alone may be somebody else's by now. '' for none. */
function startOf(pid: number): string {
  const file = `/proc/${pid}/stat`
  if (!existsSync(file)) return ''
  // The command, in parentheses, may have spaces; the start is the 20th field after it.
  return (
    readFileSync(file, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')[19] ?? ''
  )
}
