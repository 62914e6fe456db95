/**
 * What the product assumes of SkyPilot, one case for each thing that was measured: how it ends what, and what it
 * says. The cases run on the stand-in and on the real `sky`, so that the one cannot drift from the other.
 *
 * A case uses one VM at a time, ends with none, and lives in SkyPilot's seconds, which a lab may let pass faster.
 */
import { createHash, randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { expect } from 'vitest'
import { NO_RESOURCES, type VmFile } from '../../../src/fleet/fleet.ts'
import { launchArgs } from '../../../src/fleet/sky/argv.ts'
import { LAUNCH_VARIABLE, secretsFile } from '../../../src/fleet/sky/render/remote-paths.ts'
import { skyRenderer } from '../../../src/fleet/sky/render/render.ts'
import { assignments } from '../../../src/fleet/sky/ssh/quote.ts'
import { filesThatHold } from '../../support/leaks.ts'

export interface SkyReply {
  /** As a shell sees it: 128 + N for signal N. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface SkyProcess {
  readonly done: Promise<SkyReply>
  stdout(): string
  /** To the CLI's own process alone. */
  signal(signal: NodeJS.Signals): void
}

export interface SkyTask {
  readonly setup?: string
  readonly run: string
  /** Top-level keys of the file beside those, and keys of `resources`. */
  readonly top?: Readonly<Record<string, unknown>>
  readonly resources?: Readonly<Record<string, unknown>>
}

/** Where the cases run. */
export interface SkyLab {
  /** Starts `sky ARGS…`, with these variables in its environment. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): SkyProcess
  /** Path of a task file for the lab's cloud. */
  task(task: SkyTask): Promise<string>
  /** VM names of the machines that there are: asked of the cloud itself, whatever SkyPilot says. */
  machines(): Promise<readonly string[]>
  /** Stops the API server; machines go on. */
  stopServer(): Promise<void>
  /** Hands files to the case's VM as the product does. */
  hand(files: readonly VmFile[]): Promise<void>
  /** Lets so many of SkyPilot's seconds pass. */
  wait(seconds: number): Promise<void>
  /** SkyPilot's seconds since some moment. */
  now(): number
  /** SkyPilot's folder: `$HOME/.sky`. */
  readonly skyFolder: string
}

export interface ContractCase {
  /** The measured fact. */
  readonly fact: string
  readonly group: 'being killed' | 'lease' | 'exit codes and output' | 'secrets'
  readonly run: (lab: SkyLab) => Promise<void>
}

/** Of the VM of a case; they run one after another. */
export const VM = 'contract'
const FOR_EVER = 'sleep 900'
const LEASE = ['-i', '1', '--down', '--wait-for', 'none'] as const
/** Says what $TOK is without saying it. */
const DIGEST = 'printf %s "$TOK" | sha256sum'
const REQUEST = { name: VM, envs: {}, labels: {}, leaseMinutes: 30, resources: NO_RESOURCES, reuse: false }
/** A lease of one minute (or three), two looks of skylet, the end itself, and a busy machine. */
const LEASE_IS_OVER_S = 500
/** Between two looks: a call of `sky` takes seconds of a whole core. */
const ASK_SKY_S = 20
const ASK_CLOUD_S = 2

export const CONTRACT: readonly ContractCase[] = [
  ...(
    [
      ['SIGINT', 1],
      ['SIGTERM', 143],
      ['SIGKILL', 137],
    ] as const
  ).map(
    ([signal, exitCode]): ContractCase => ({
      group: 'being killed',
      fact: `${signal} to the CLI in the middle of a launch: it exits ${exitCode}, and the VM comes up`,
      run: async lab => {
        const launch = await launchUntilMachine(lab)
        launch.signal(signal)
        expect((await launch.done).exitCode).toBe(exitCode)
        await until(lab, 'the VM is up', 300, async () => (await statusOf(lab))?.status === 'UP')
        expect(await lab.machines()).toContain(VM)
        await down(lab)
      },
    }),
  ),
  {
    group: 'being killed',
    fact: 'api cancel of a launch: the machine stays, without a lease',
    run: async lab => {
      const launch = await launchUntilMachine(lab)
      expect((await sky(lab, 'api', 'cancel', '-y', '-a')).exitCode).toBe(0)
      expect((await launch.done).exitCode).not.toBe(0)
      expect(await lab.machines()).toContain(VM)
      expect(await statusOf(lab)).toMatchObject({ status: 'INIT', autostop: -1 })
      await down(lab)
    },
  },
  {
    group: 'being killed',
    fact: 'down in the middle of a launch: 0, the launch is cancelled and nothing is left',
    run: async lab => {
      const launch = await launchUntilMachine(lab)
      expect((await sky(lab, 'down', '-y', VM)).exitCode).toBe(0)
      expect((await launch.done).exitCode).not.toBe(0)
      await expectNothing(lab)
    },
  },
  {
    group: 'being killed',
    fact: 'a failed setup leaves the VM up: launch -d exits 0, attached it exits 100',
    run: async lab => {
      const file = await lab.task({ setup: 'exit 3', run: FOR_EVER })
      expect((await sky(lab, 'launch', '-y', '-d', '-c', VM, file)).exitCode).toBe(0)
      await until(lab, 'setup has failed', 300, async () => (await jobOf(lab, 1))?.status === 'FAILED_SETUP')
      expect(await statusOf(lab)).toMatchObject({ status: 'UP', autostop: -1 })
      expect((await sky(lab, 'launch', '-y', '-c', VM, file)).exitCode).toBe(100)
      expect((await sky(lab, 'logs', '--status', VM, '1')).exitCode).toBe(100)
      expect(await lab.machines()).toContain(VM)
      await down(lab)
    },
  },
  {
    group: 'lease',
    fact: '-i 1 --down --wait-for none: the VM and its running job go by themselves',
    run: async lab => {
      await launch(lab, await lab.task({ run: FOR_EVER }), ...LEASE)
      expect(await statusOf(lab)).toMatchObject({ status: 'UP', autostop: 1, to_down: true })
      await goneByItself(lab)
      await statusForgets(lab)
    },
  },
  {
    group: 'lease',
    fact: 'autostop in the YAML: the same',
    run: async lab => {
      const autostop = { idle_minutes: 1, down: true, wait_for: 'none' }
      await launch(lab, await lab.task({ run: FOR_EVER, resources: { autostop } }))
      await goneByItself(lab)
      await down(lab)
    },
  },
  {
    group: 'lease',
    fact: 'with launch -d the lease is in force before setup ends',
    run: async lab => {
      await launch(lab, await lab.task({ setup: FOR_EVER, run: 'true' }), ...LEASE)
      expect(await statusOf(lab)).toMatchObject({ autostop: 1, to_down: true })
      expect((await jobOf(lab, 1))?.status).toBe('SETTING_UP')
      await goneByItself(lab)
      await down(lab)
    },
  },
  {
    group: 'lease',
    fact: 'sky autostop again and again keeps it alive; after the last call it goes',
    run: async lab => {
      // Long enough for a call on a busy machine.
      const lease = ['-i', '3', ...LEASE.slice(2)]
      await launch(lab, await lab.task({ run: FOR_EVER }), ...lease)
      const start = lab.now()
      while (lab.now() - start < 330) {
        const renewal = await sky(lab, 'autostop', '-y', ...lease, VM)
        expect(renewal.exitCode, renewal.stdout + renewal.stderr).toBe(0)
        await lab.wait(45)
      }
      expect(await lab.machines()).toContain(VM)
      await goneByItself(lab)
      await down(lab)
    },
  },
  {
    group: 'lease',
    fact: 'without the API server the VM goes by itself, too',
    run: async lab => {
      await launch(lab, await lab.task({ run: FOR_EVER }), ...LEASE)
      await lab.stopServer()
      await goneByItself(lab)
      // A call starts it again, and gives it one minute for that: a busy machine may need more.
      const isBack = async () => (await sky(lab, 'api', 'start')).exitCode === 0
      await until(lab, 'the API server is back', 300, isBack)
      await down(lab)
    },
  },
  {
    group: 'lease',
    fact: '-i 5 --down keeps wait_for: none of the YAML, and a job that runs on counts for nothing',
    run: async lab => {
      const autostop = { idle_minutes: 9, down: true, wait_for: 'none' }
      const file = await lab.task({ run: FOR_EVER, resources: { autostop } })
      await launch(lab, file, '-i', '1', '--down')
      await goneByItself(lab)
      await down(lab)
    },
  },
  {
    group: 'lease',
    fact: 'a VM that waits for jobs (the default) does not go while one runs',
    run: async lab => {
      await launch(lab, await lab.task({ run: FOR_EVER }), '-i', '1', '--down')
      await lab.wait(200)
      expect(await lab.machines()).toContain(VM)
      await down(lab)
    },
  },
  {
    group: 'exit codes and output',
    fact: 'a run that exits 7: launch exits 100, and so does logs --status; a job that is missing 102, a running one 101',
    run: async lab => {
      const failed = await sky(lab, 'launch', '-y', '-c', VM, await lab.task({ run: 'exit 7' }))
      expect(failed.exitCode).toBe(100)
      expect(failed.stdout).toContain('✓ Job finished (status: FAILED)')
      expect((await sky(lab, 'logs', '--status', VM, '1')).exitCode).toBe(100)
      expect((await sky(lab, 'logs', '--status', VM, '99')).exitCode).toBe(102)
      await launch(lab, await lab.task({ run: FOR_EVER }))
      await until(lab, 'job 2 runs', 180, async () => (await jobOf(lab, 2))?.status === 'RUNNING')
      expect((await sky(lab, 'logs', '--status', VM, '2')).exitCode).toBe(101)
      await down(lab)
    },
  },
  {
    group: 'exit codes and output',
    fact: 'down, status and queue of an unknown name exit 0; exec and logs exit 1',
    run: async lab => {
      expect((await sky(lab, 'down', '-y', 'nosuch')).exitCode).toBe(0)
      const status = await sky(lab, 'status', 'nosuch', '-o', 'json')
      expect(status.exitCode).toBe(0)
      expect(status.stdout).toMatch(/^Cluster\(s\) not found: .*\n\[\]\n$/)
      const queue = await sky(lab, 'queue', 'nosuch', '-o', 'json')
      expect(queue.exitCode).toBe(0)
      expect(queue.stdout).toMatch(/^Fetching job queue for: nosuch\n[\s\S]*\n\{\}\n$/)
      expect((await sky(lab, 'exec', 'nosuch', 'true')).exitCode).toBe(1)
      expect((await sky(lab, 'logs', 'nosuch', '1', '--no-follow')).exitCode).toBe(1)
    },
  },
  {
    group: 'secrets',
    fact: 'a value of --secret is in no output, and in files of SkyPilot: so it is given none',
    run: async lab => {
      const secret = randomUUID()
      const file = await lab.task({ run: DIGEST, top: { secrets: { TOK: null } } })
      const flags = ['-y', '-d', '-c', VM, ...LEASE, '--secret', 'TOK']
      const reply = await lab.start(['launch', ...flags, file], { TOK: secret }).done
      expect(reply.exitCode, reply.stderr).toBe(0)
      expect(reply.stdout).toMatch(/Job submitted, ID: 1\b/)
      expect(reply.stdout + reply.stderr).not.toContain(secret)
      expect(await filesThatHold(lab.skyFolder, secret)).not.toEqual([])
      await jobHasSaid(lab, secret, 1)
      await down(lab)
    },
  },
  {
    group: 'secrets',
    fact: 'what setup waits for comes over ssh: for setup and run, and in no file of SkyPilot',
    run: async lab => {
      const secret = randomUUID()
      const template = await lab.task({ setup: DIGEST, run: DIGEST, top: { secrets: { TOK: null } } })
      const { yaml, secrets } = await skyRenderer.render({ ...REQUEST, template, secrets: { TOK: secret } })
      expect(yaml).not.toContain(secret)
      const file = template.replace(/\.yaml$/, '-rendered.yaml')
      await writeFile(file, yaml)
      const envs = [`${LAUNCH_VARIABLE}=a1b2c3d4`]
      const reply = await lab.start(launchArgs({ name: VM, file, leaseMinutes: 30, envs })).done
      expect(reply.exitCode, reply.stderr).toBe(0)
      expect((await jobOf(lab, 1))?.status).toBe('SETTING_UP')
      await lab.hand([{ path: secretsFile('a1b2c3d4'), content: `${assignments(secrets)}\n` }])
      await jobHasSaid(lab, secret, 2)
      expect(reply.stdout + reply.stderr).not.toContain(secret)
      expect(await filesThatHold(lab.skyFolder, secret)).toEqual([])
      await down(lab)
    },
  },
]

/** Ends the case's VM, verified by the cloud and by SkyPilot: also when a case failed. */
export async function down(lab: SkyLab): Promise<void> {
  const reply = await sky(lab, 'down', '-y', VM)
  expect(reply.exitCode, reply.stdout + reply.stderr).toBe(0)
  await expectNothing(lab)
}

async function expectNothing(lab: SkyLab): Promise<void> {
  await until(lab, 'the machine is gone', 180, async () => !(await lab.machines()).includes(VM), ASK_CLOUD_S)
  expect(await statusOf(lab)).toBeUndefined()
}

function sky(lab: SkyLab, ...args: string[]): Promise<SkyReply> {
  return lab.start(args).done
}

async function launch(lab: SkyLab, file: string, ...flags: string[]): Promise<void> {
  const reply = await sky(lab, 'launch', '-y', '-d', '-c', VM, ...flags, file)
  expect(reply.exitCode, reply.stdout + reply.stderr).toBe(0)
}

/** A launch under way, whose machine has begun to be. */
async function launchUntilMachine(lab: SkyLab): Promise<SkyProcess> {
  const process = lab.start(['launch', '-y', '-d', '-c', VM, await lab.task({ run: FOR_EVER })])
  // Other cases' launches may come first.
  await until(lab, 'there is a machine', 600, async () => (await lab.machines()).includes(VM), ASK_CLOUD_S)
  return process
}

async function goneByItself(lab: SkyLab): Promise<void> {
  await until(
    lab,
    'the lease has ended it',
    LEASE_IS_OVER_S,
    async () => !(await lab.machines()).includes(VM),
    ASK_CLOUD_S,
  )
}

/** SkyPilot's own list is stale for a while. */
async function statusForgets(lab: SkyLab): Promise<void> {
  await until(lab, 'status is empty', 300, async () => (await statusOf(lab)) === undefined)
}

/** Job 1 has ended well, and has said the digest of this so often. */
async function jobHasSaid(lab: SkyLab, secret: string, times: number): Promise<void> {
  await until(lab, 'the job has ended', 180, async () => (await jobOf(lab, 1))?.status === 'SUCCEEDED')
  const { stdout } = await sky(lab, 'logs', VM, '1', '--no-follow')
  expect(stdout).not.toContain(secret)
  const digest = createHash('sha256').update(secret).digest('hex')
  expect(stdout.split(digest)).toHaveLength(times + 1)
}

interface Status {
  readonly name: string
  readonly status: string
  readonly autostop: number
  readonly to_down: boolean
}

async function statusOf(lab: SkyLab): Promise<Status | undefined> {
  const { stdout } = await sky(lab, 'status', VM, '-o', 'json')
  return jsonIn<Status[]>(stdout, '[').find(({ name }) => name === VM)
}

async function jobOf(lab: SkyLab, id: number): Promise<{ readonly status: string } | undefined> {
  const { stdout } = await sky(lab, 'queue', VM, '-o', 'json')
  const jobs = jsonIn<Record<string, { job_id: number; status: string }[]>>(stdout, '{')[VM]
  return jobs?.find(({ job_id }) => job_id === id)
}

/** Text may stand before the JSON; the JSON begins a line. */
function jsonIn<T>(text: string, first: '[' | '{'): T {
  const at = `\n${text}`.indexOf(`\n${first}`)
  if (at < 0) throw new Error(`no JSON in: ${text}`)
  return JSON.parse(text.slice(at))
}

async function until(
  lab: SkyLab,
  what: string,
  seconds: number,
  done: () => Promise<boolean>,
  everyS = ASK_SKY_S,
): Promise<void> {
  const start = lab.now()
  while (!(await done())) {
    if (lab.now() - start > seconds) throw new Error(`after ${seconds} s still not: ${what}`)
    await lab.wait(everyS)
  }
}
