import { LmrunError } from '../../errors.ts'
import type { JobState, ScriptReply, Tunnel, VmFile } from '../fleet.ts'
import type { BoundTask } from '../task.ts'

/**
 * The two ways in which the SkyPilot fleet touches the world: the `sky` command, and ssh to a VM that is up.
 * Everything else in this folder decides. Tests stand in for these two, on a virtual clock.
 */
export interface SkyCli {
  /** Resolves when the command is there: it may have to be installed first. Rejects when it cannot be had. */
  ready(): Promise<void>
  /**
   * Runs `sky ARGS…` in a process group of its own and resolves with its exit code, whatever that is.
   * On abort the group is ended first, then it rejects with the signal's reason: SkyPilot's API server goes on with
   * what it was asked, so only `sky down` undoes a launch.
   * @throws LmrunError when `sky` cannot be started at all
   */
  run(args: readonly string[], call?: SkyCall): Promise<SkyReply>
  /** Ends every group that still runs. */
  endAll(): Promise<void>
}

export interface SkyCall {
  readonly signal?: AbortSignal
  /** Heading of a collapsible group for its output; without one the output is kept for errors only. */
  readonly group?: string
  /** Milliseconds after which the call is given up, as if aborted. */
  readonly timeoutMs?: number
}

export interface SkyReply {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** What the runner does on a VM by itself: quick, and beside SkyPilot, whose calls take seconds each. */
export interface VmAccess {
  /** Starts a job that outlives the connection; its log and its end are kept on the VM under `id`. */
  start(vm: string, id: number, task: BoundTask, signal: AbortSignal): Promise<void>
  /**
   * Waits for the end of a job, reconnecting as often as needed. Job 1 is the launch's own: its setup and run.
   * @param onSilence called when the VM has not answered twice in a row: somebody else may know why
   * @throws Unreachable when the VM has not answered for `patienceMs`
   */
  wait(vm: string, id: number, signal: AbortSignal, onSilence?: () => void): Promise<JobState>
  state(vm: string, id: number): Promise<JobState>
  tail(vm: string, id: number, lines: number): Promise<readonly string[]>
  /** A file or folder relative to the VM's working folder, by rsync; false when it is not there. */
  pull(vm: string, from: string, to: string): Promise<boolean>
  push(vm: string, from: string, to: string): Promise<void>
  /**
   * Writes files, each whole and 0600: their contents go through standard input alone.
   * @throws Unreachable when the VM does not answer
   */
  hand(vm: string, files: readonly VmFile[], signal: AbortSignal): Promise<void>
  /** A short script by the VM's bash, given by standard input. @throws Unreachable when the VM does not answer */
  run(vm: string, script: string, signal: AbortSignal): Promise<ScriptReply>
  /** A port of this machine that leads to one of the VM's loopback until disposed of. */
  tunnel(vm: string, port: number, signal: AbortSignal): Promise<Tunnel>
  /** Actual port of each declared port, and the address that the VM sees of itself. */
  facts(vm: string): Promise<VmFacts>
  /** Takes back the shutdown that setup armed: the lease is in force. Tolerates that there is none. */
  disarm(vm: string): Promise<void>
  /** Forgets connections to a VM that is going. */
  leave(vm: string): Promise<void>
}

export interface VmFacts {
  readonly address: string
  readonly ports: Readonly<Record<string, number>>
}

/** A VM does not answer over ssh. It may be gone, or only unreachable: SkyPilot knows. */
export class Unreachable extends LmrunError {
  override readonly name = 'Unreachable'

  constructor(vm: string, cause?: unknown) {
    super(`${vm} does not answer`, cause === undefined ? {} : { cause })
  }
}
