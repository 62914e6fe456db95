import type { Fleet, FleetKind } from './fleet.ts'

/**
 * A fleet that is loaded when it is first asked for something. Closing one that never was does nothing.
 * @param make called once; it makes a fleet of this kind with every capability
 */
export function lazyFleet(kind: FleetKind, make: () => Promise<Fleet>): Fleet {
  let made: Promise<Fleet> | undefined
  const fleet = () => {
    made ??= make()
    return made
  }
  const lacking = (what: string) => new Error(`the fleet ${kind} has no ${what}`)
  return {
    kind,
    check: async request => (await fleet()).check(request),
    preflight: async (requests, limits) => {
      const { preflight } = await fleet()
      return preflight ? preflight(requests, limits) : { checks: [], offers: [] }
    },
    launch: async (request, signal) => (await fleet()).launch(request, signal),
    exec: async (vm, task, signal) => {
      const one = await fleet()
      if (!one.exec) throw lacking('exec')
      return one.exec(vm, task, signal)
    },
    jobState: async job => (await fleet()).jobState(job),
    jobEnd: async (job, signal) => (await fleet()).jobEnd(job, signal),
    tailLog: async (job, lines) => (await fleet()).tailLog(job, lines),
    fetch: async (vm, from, to) => (await fleet()).fetch(vm, from, to),
    push: async (vm, from, to) => (await fleet()).push(vm, from, to),
    hand: async (vm, files, signal) => {
      const one = await fleet()
      if (!one.hand) throw lacking('hand')
      return one.hand(vm, files, signal)
    },
    run: async (vm, script, signal) => {
      const one = await fleet()
      if (!one.run) throw lacking('run')
      return one.run(vm, script, signal)
    },
    tunnel: async (vm, port, signal) => {
      const one = await fleet()
      if (!one.tunnel) throw lacking('tunnel')
      return one.tunnel(vm, port, signal)
    },
    endpoint: async (vm, port) => (await fleet()).endpoint(vm, port),
    down: async names => (await fleet()).down(names),
    list: async () => (await fleet()).list(),
    renewLease: async (names, minutes) => (await fleet()).renewLease(names, minutes),
    prices: async names => (await (await fleet()).prices?.(names)) ?? new Map(),
    close: async () => {
      if (made) await (await made.catch(() => null))?.close()
    },
  }
}
