import { readFile } from 'node:fs/promises'
import { InputError } from './errors.ts'

/**
 * @param given path of a kubeconfig, or its text
 * @param where the input that it was given by
 * @throws InputError when there is no such file
 */
export async function readKubeconfig(given: string, where: string): Promise<string> {
  if (isText(given)) return given
  try {
    return await readFile(given, 'utf8')
  } catch (cause) {
    const what = `cannot be read: ${(cause as Error).message}`
    throw new InputError([{ where, what, allowed: 'Give the path of a kubeconfig, or its text' }], { cause })
  }
}

/** Values of the keys, tokens and passwords in a kubeconfig's text; none for a path. */
export function kubeconfigSecrets(given: string): string[] {
  if (!isText(given)) return []
  return [...given.matchAll(SECRET)].flatMap(([, value]) => value ?? [])
}

/** YAML has lines, JSON begins with a brace: what is neither is a path, and may be shown. */
function isText(given: string): boolean {
  return given.includes('\n') || given.trimStart().startsWith('{')
}

const SECRET = /\b(?:client-key-data|token|password|id-token|refresh-token)["']?\s*:\s*["']?([^\s"',}]+)/g
