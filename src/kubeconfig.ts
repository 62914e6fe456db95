import { readFile } from 'node:fs/promises'
import { InputError } from './errors.ts'

/**
 * @param given path of a kubeconfig, or its text
 * @param where the input that it was given by
 * @throws InputError when there is no such file
 */
export async function readKubeconfig(given: string, where: string): Promise<string> {
  if (given.includes('\n')) return given
  try {
    return await readFile(given, 'utf8')
  } catch (cause) {
    const what = `cannot be read: ${(cause as Error).message}`
    throw new InputError([{ where, what, allowed: 'Give the path of a kubeconfig, or its text' }], { cause })
  }
}
