import type { V1Node } from '@kubernetes/client-node'

/**
 * Where a VM is in the mesh: flannel's own address on it, the first of its Node's pod network. Null until the control
 * plane has given it one.
 */
export function nodeAddress({ spec }: V1Node): string | null {
  return spec?.podCIDR?.split('/')[0] ?? null
}

/** What its kubelet says, or the control plane when it has not heard of it; null when nobody has said anything yet. */
export function kubeletReady({ status }: V1Node): boolean | null {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  return ready ? ready.status === 'True' : null
}
