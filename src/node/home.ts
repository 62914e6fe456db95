import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import path from 'node:path'
import type { FileOwner } from './files.ts'
import type { System } from './system.ts'

export interface UserHome {
  readonly folder: string
  readonly owner: FileOwner
}

/** The homes of the VM's user, the likeliest first: `sudo -E` keeps HOME on some systems, and on others it is root's. */
export async function userHomes({ root, env }: Pick<System, 'root' | 'env'>): Promise<UserHome[]> {
  const passwd = await readFile(path.join(root, 'etc/passwd'), 'utf8').catch(() => '')
  const line = passwd.split('\n').find(one => one.startsWith(`${env.SUDO_USER}:`))
  const folders = [env.HOME || homedir(), ...(env.SUDO_USER && line ? [line.split(':')[5] ?? ''] : [])]
  const homes = await Promise.all(
    [...new Set(folders)].map(folder => homeAt(path.join(root, folder), folder)),
  )
  const there = homes.filter(home => home !== null)
  // Root's own is the user's only when there is no other.
  return there.toSorted((a, b) => Number(a.owner.uid === 0) - Number(b.owner.uid === 0))
}

async function homeAt(at: string, folder: string): Promise<UserHome | null> {
  if (folder === '') return null
  return stat(at).then(
    ({ uid, gid }) => ({ folder, owner: { uid, gid } }),
    () => null,
  )
}
