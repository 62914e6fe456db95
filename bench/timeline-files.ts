import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { stringify } from 'yaml'

/** A task file for a VM that is launched by hand. */
export async function taskFileOf(folder: string, name: string, role: 'server' | 'client'): Promise<string> {
  const file = path.join(folder, `${name}.yaml`)
  const gpu = role === 'server' ? { accelerators: 'L4:4' } : {}
  await writeFile(
    file,
    stringify({ name, resources: { ...gpu, labels: { 'lmrun-role': role } }, run: 'true\n' }),
  )
  return file
}
