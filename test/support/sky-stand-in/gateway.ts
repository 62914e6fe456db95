/** The cloud's own door: what the API server, ssh and the VMs' tools ask of it, each over a socket. */
import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Cloud, EndedBy, Instance, Lease } from './cloud.ts'
import type { Faults } from './faults.ts'
import type { TaskSpec } from './vm.ts'
import type { Message, Wire } from './wire.ts'

interface Question {
  readonly call: string
  readonly command: string
  readonly names: readonly string[]
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly spot: boolean
  readonly by: EndedBy
  readonly order: Lease
  readonly mounts: readonly (readonly [string, string])[]
  readonly task: TaskSpec
  readonly job: number
  readonly minutes: number
  readonly port: number
}

type Answer = (question: Question) => unknown

/** Serves one connection. Reaching into a machine fails when it is not up or cut off, as ssh does. */
export async function serveCloud(wire: Wire, cloud: Cloud, faults: Faults): Promise<void> {
  const answers = cloudAnswers(cloud, faults)
  for await (const message of wire) {
    if (message.call === 'ssh') return openShell(wire, cloud, message)
    const answer = answers[String(message.call)]
    if (!answer) throw new Error(`the cloud does not know ${String(message.call)}`)
    wire.send({ value: (await answer(message as unknown as Question)) ?? null })
  }
}

function cloudAnswers(cloud: Cloud, faults: Faults): Readonly<Record<string, Answer>> {
  return {
    fault: ({ command, names }) => faults.take(command, names),
    /** What the cloud lists of these machines; what it does not know has no entry. */
    list: ({ names }) => {
      cloud.authorise()
      return names.flatMap(name => {
        const instance = cloud.find(name)
        return instance ? [{ name, state: instance.state, address: instance.vm.address }] : []
      })
    },
    create: async ({ name, labels, spot }) => {
      const { vm } = await cloud.create(name, labels, spot)
      return { address: vm.address }
    },
    terminate: ({ name, by }) => cloud.terminate(name, by),
    lease: ({ name, order }) => cloud.setLease(reach(cloud, name), order),
    leaseOf: ({ name }) => reach(cloud, name).lease?.order ?? null,
    sync: ({ name, mounts }) => reach(cloud, name).vm.sync(mounts),
    submit: async ({ name, task }) => (await cloud.submit(reach(cloud, name), task)).id,
    jobs: ({ name }) => reach(cloud, name).vm.jobs.map(({ process: _, ...job }) => job),
    jobEnd: ({ name, job }) => {
      const { vm } = reach(cloud, name)
      const record = vm.jobs.find(({ id }) => id === job)
      return record && vm.jobEnd(record)
    },
    cancelJob: ({ name, job }) => {
      const { vm } = reach(cloud, name)
      const record = vm.jobs.find(({ id }) => id === job)
      if (record) vm.cancel(record)
    },
    log: async ({ name, job }) => {
      const { vm } = reach(cloud, name)
      const record = vm.jobs.find(({ id }) => id === job)
      const file = record && path.join(vm.resolve(record.logPath), 'run.log')
      return file ? readFile(file, 'utf8').catch(() => '') : ''
    },
    /** For rsync, which copies by itself. */
    home: ({ name }) => reach(cloud, name).vm.home,
    /** For `ssh -L`: a port here that leads to the machine's own loopback. */
    forward: ({ name, port }) => reach(cloud, name).vm.forward(port),
    shutdown: ({ name, minutes }) => {
      const instance = reachInside(cloud, name)
      if (minutes < 0) instance.vm.shutdown?.abort()
      else void cloud.shutdownIn(instance, minutes)
    },
  }
}

/** @throws Error as ssh says it */
export function reach(cloud: Cloud, name: string): Instance {
  const instance = cloud.find(name)
  if (instance?.state !== 'up' || instance.cut) {
    throw new Error(`ssh: connect to host ${name} port 22: Connection timed out`)
  }
  return instance
}

/** The machine itself asks: no network is between. */
function reachInside(cloud: Cloud, name: string): Instance {
  const instance = cloud.find(name)
  if (!instance) throw new Error(`there is no machine ${name}`)
  return instance
}

/** A login: the command's streams both ways, then its exit code. The end of the connection does not end it. */
async function openShell(wire: Wire, cloud: Cloud, { name, command }: Message): Promise<void> {
  const instance = reach(cloud, String(name))
  const child = instance.vm.open(String(command))
  const { promise: over, resolve } = Promise.withResolvers<void>()
  // A machine that goes, or is cut off, says nothing more.
  instance.over.signal.addEventListener('abort', () => wire.socket.destroy(), { once: true })
  const watch = setInterval(() => instance.cut && wire.socket.destroy(), 50)
  for (const [stream, key] of [
    [child.stdout, 'out'],
    [child.stderr, 'err'],
  ] as const) {
    stream?.on('data', (chunk: Buffer) => wire.send({ [key]: chunk.toString('base64') }))
  }
  child.once('error', () => resolve())
  child.once('close', code => {
    wire.send({ exit: code ?? 255 })
    resolve()
  })
  void takeInput(wire, child)
  wire.socket.once('close', () => resolve())
  await over
  clearInterval(watch)
}

async function takeInput(wire: Wire, child: ChildProcess): Promise<void> {
  child.stdin?.on('error', () => {}) // It has ended and wants no more.
  for await (const { input } of wire) {
    if (typeof input === 'string') child.stdin?.write(Buffer.from(input, 'base64'))
    else child.stdin?.end()
  }
  child.stdin?.end()
}
