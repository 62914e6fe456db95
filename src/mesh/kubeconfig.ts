import { parseDocument } from 'yaml'

/** The same kubeconfig with its server at the end of a tunnel; K3s's certificate is good for 127.0.0.1, too. */
export function throughTunnel(kubeconfig: string, { host, port }: { host: string; port: number }): string {
  const document = parseDocument(kubeconfig)
  document.setIn(['clusters', 0, 'cluster', 'server'], `https://${host}:${port}`)
  return document.toString()
}
