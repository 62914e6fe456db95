/**
 * A machine of the lab: kernel namespaces (network, mounts, processes, host name) that live exactly as long as one
 * process of ours, their keeper. The kernel ends the keeper with its parent, whatever ends that, and with the keeper
 * all processes, mounts and links of the machine: nothing can be left.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** What a machine may write to without touching ours; /run is empty at first. */
const OWN = ['/etc', '/var', '/usr/local', '/opt']
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface RunOptions {
  /** Beside PATH and HOME: a machine has nothing of the test's environment. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly signal?: AbortSignal
}

/** A process in a machine, in a process group of its own. */
export interface MachineProcess {
  /** As the test sees it. */
  readonly pid: number
  /** Exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** What it wrote to stdout and stderr so far. */
  output(): string
  /** Resolves with the match as soon as the output has it. @throws Error when the process ends before */
  saw(pattern: RegExp): Promise<RegExpMatchArray>
  /** To the process alone. */
  signal(name: NodeJS.Signals): void
  /** SIGKILL to the whole group; resolves when it has ended. */
  end(): Promise<void>
}

export class Machine {
  readonly name: string
  private readonly keeper: ChildProcess
  private readonly logs: string
  private readonly gone: Promise<unknown>
  private readonly children = new Set<ChildProcess>()
  private started = 0

  private constructor(name: string, logs: string, keeper: ChildProcess) {
    this.name = name
    this.logs = logs
    this.keeper = keeper
    this.gone = new Promise(resolve => keeper.once('exit', resolve))
  }

  /** @param logs a folder outside of the machine */
  static async start(name: string, logs: string): Promise<Machine> {
    const namespaces = ['--net', '--mount', '--uts', '--pid', '--fork', '--kill-child=KILL', '--mount-proc']
    // Ignored, SIGCHLD makes the kernel reap the orphans that a first process has to take.
    const first = ['sh', '-c', 'echo up; exec env --ignore-signal=CHLD sleep infinity']
    const keeper = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, ...first], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH },
    })
    const machine = new Machine(name, logs, keeper)
    await new Promise<void>((resolve, reject) => {
      keeper.once('error', reject)
      keeper.once('exit', code =>
        reject(new Error(`machine ${name} did not come up: unshare ended with ${code}`)),
      )
      keeper.stdout?.once('data', () => resolve())
    })
    keeper.stdout?.destroy()
    await machine.furnish()
    return machine
  }

  /** The keeper, in the network and mount namespace of the machine. */
  get pid(): number {
    return this.keeper.pid ?? 0
  }

  /** Path of one of the machine's files, for the test to read and write. */
  file(name: string): string {
    return path.join(`/proc/${this.pid}/root`, name)
  }

  /** Starts a process that runs beside the test; its output goes to a log of the lab. */
  spawn(command: string, args: readonly string[], options: RunOptions = {}): MachineProcess {
    this.started += 1
    const log = path.join(this.logs, `${this.name}-${this.started}-${path.basename(command)}.log`)
    const out = openSync(log, 'a')
    const child = spawn('nsenter', this.inside(command, args, options), {
      stdio: ['ignore', out, out],
      env: this.environment(options),
      detached: true,
    })
    closeSync(out)
    this.children.add(child)
    child.once('exit', () => this.children.delete(child))
    return watched(child, log)
  }

  /** Resolves with stdout. @throws Error with code, stdout and stderr, as execFile does */
  async run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    const { stdout } = await execute('nsenter', this.inside(command, args, options), {
      env: this.environment(options),
      maxBuffer: 1 << 26,
      ...(options.signal ? { signal: options.signal } : {}),
    })
    return stdout
  }

  /** The command line that runs a command in the machine, with the environment of whoever starts it. */
  enter(command: string, args: readonly string[], cwd: string): string[] {
    return ['nsenter', ...this.inside(command, args, { cwd })]
  }

  /** `ip ARGS…` in the network of the machine. Process ids in it are the test's. */
  async ip(...args: string[]): Promise<string> {
    return this.net('ip', ...args)
  }

  /** Any command, in the machine's network alone. */
  async net(command: string, ...args: string[]): Promise<string> {
    const { stdout } = await execute('nsenter', [`--net=/proc/${this.pid}/ns/net`, command, ...args], {
      env: { PATH },
    })
    return stdout
  }

  /** The machine vanishes: processes, links, files, at once. */
  async end(): Promise<void> {
    this.keeper.kill('SIGKILL')
    await this.gone
    // nsenter stops with what it started, and does not see that this is no more.
    for (const child of this.children) kill(-(child.pid ?? 0))
  }

  private inside(command: string, args: readonly string[], { cwd = '/' }: RunOptions): string[] {
    const of = `/proc/${this.pid}/ns`
    const enter = [`--net=${of}/net`, `--mount=${of}/mnt`, `--uts=${of}/uts`, `--pid=${of}/pid_for_children`]
    return [...enter, 'env', '-C', cwd, command, ...args]
  }

  private environment({ env }: RunOptions): NodeJS.ProcessEnv {
    return { PATH, HOME: '/var/lib/lab-home', ...env }
  }

  private async furnish(): Promise<void> {
    await this.run('mount', ['-t', 'tmpfs', 'tmpfs', '/run'])
    for (const folder of OWN.filter(existsSync)) {
      const layers = `/run/.own${folder}`
      await this.run('mkdir', ['-p', `${layers}/upper`, `${layers}/work`])
      const layered = `lowerdir=${folder},upperdir=${layers}/upper,workdir=${layers}/work`
      await this.run('mount', ['-t', 'overlay', 'overlay', '-o', layered, folder])
    }
    await this.run('mkdir', ['-p', '/var/lib/lab-home', '/run/lock'])
    await this.run('ln', ['-sf', process.execPath, '/usr/local/bin/node'])
    await this.run('hostname', [this.name])
    await this.ip('link', 'set', 'lo', 'up')
  }
}

function watched(child: ChildProcess, log: string): MachineProcess {
  let over = false
  const exited = new Promise<number | null>(resolve => {
    child.once('error', () => resolve(127))
    child.once('exit', resolve)
  }).finally(() => {
    over = true
  })
  const output = () => readFileSync(log, 'utf8')
  const pid = () => firstChild(child.pid ?? 0)
  return {
    get pid() {
      return pid()
    },
    exited,
    output,
    saw: async pattern => {
      for (;;) {
        const ended = over
        const match = output().match(pattern)
        if (match) return match
        if (ended) throw new Error(`ended before it wrote ${pattern}:\n${output().slice(-2_000)}`)
        await sleep(20)
      }
    },
    signal: name => {
      if (!over) process.kill(pid(), name)
    },
    end: async () => {
      // The group outlives its first process when that left others.
      kill(-(child.pid ?? 0))
      await exited
    },
  }
}

/** nsenter waits for what it started, and would keep a signal for itself. */
function firstChild(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return Number(children.split(' ')[0] || pid)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {} // ended before
}
