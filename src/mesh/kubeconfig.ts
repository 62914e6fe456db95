import { readFile } from 'node:fs/promises'
import { parseDocument } from 'yaml'
import { LmrunError } from '../errors.ts'

/** @param given path of a kubeconfig, or its text */
export async function kubeconfigText(given: string): Promise<string> {
  if (given.includes('\n')) return given
  try {
    return await readFile(given, 'utf8')
  } catch (cause) {
    throw new LmrunError(`the kubeconfig of the mesh cannot be read from ${given}`, { cause })
  }
}

/** The same kubeconfig with its server at the end of a tunnel; K3s's certificate is good for 127.0.0.1, too. */
export function throughTunnel(kubeconfig: string, { host, port }: { host: string; port: number }): string {
  const document = parseDocument(kubeconfig)
  document.setIn(['clusters', 0, 'cluster', 'server'], `https://${host}:${port}`)
  return document.toString()
}
