/** A VM whose lease is not renewed; times are Unix milliseconds. */
export interface Unrenewed {
  readonly name: string
  readonly armedUntil: number | null
}

/** What to say when VMs are about to end themselves: which, when, and what can be done. */
export function leaseAlarm(vms: readonly Unrenewed[], reason: string): string {
  const each = vms.map(({ name, armedUntil }) => `${name} at ${timeOfDay(armedUntil ?? 0)}`).join(', ')
  return `Two renewals of the lease in a row went wrong (${reason}). Unless one goes well, these VMs end themselves, with what runs on them: ${each}. Check the network and the credentials of this machine; what is lost is launched again while retries are left.`
}

function timeOfDay(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`
}
