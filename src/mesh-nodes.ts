import type { V1Node } from '@kubernetes/client-node'

/**
 * Where a VM is in the mesh: flannel's own address on it, the first of its Node's pod network. Null until the control
 * plane has given it one.
 */
export function nodeAddress({ spec }: V1Node): string | null {
  return spec?.podCIDR?.split('/')[0] ?? null
}

/** `silent`: the control plane has not heard of it for a while; null: nobody has said anything yet. */
export type Kubelet = 'ready' | 'notReady' | 'silent' | null

/** What a Node's kubelet says of it. */
export function kubeletOf({ status }: V1Node): Kubelet {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  if (!ready) return null
  if (ready.status === 'Unknown') return 'silent'
  return ready.status === 'True' ? 'ready' : 'notReady'
}
