import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, inject, test } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../../../src/clock.ts'
import { createSshAccess } from '../../../src/fleet/sky/ssh/access.ts'
import { CONTRACT, type SkyLab, type SkyProcess, type SkyReply, VM } from '../../fleet/sky/contract.ts'
import { INFRA, type LabUser, labUser } from '../../support/sky-lab/lab.ts'

/**
 * The same cases as on the stand-in, on the real `sky`. Each waits for minutes (skylet looks at the lease once a
 * minute), so they run side by side, each with a VM of its own that it knows as `contract`. Two of them end what is
 * everybody's: every request, the API server. They come alone.
 */
const ALONE = /^api cancel|without the API server/
const user = await labUser(inject('skyLab'), 'contract')
const cases = CONTRACT.map((one, index) => ({ ...one, vm: `case-${index}` }))

describe.concurrent('side by side', () => {
  for (const { group, fact, run, vm } of cases.filter(({ fact }) => !ALONE.test(fact))) {
    test(`${group}: ${fact}`, () => withVm(vm, run))
  }
})

describe('alone', () => {
  for (const { group, fact, run, vm } of cases.filter(({ fact }) => ALONE.test(fact))) {
    test(`${group}: ${fact}`, () => withVm(vm, run))
  }
})

async function withVm(vm: string, run: (lab: SkyLab) => Promise<void>): Promise<void> {
  try {
    await run(viewOf(user, vm))
  } catch (error) {
    // Each case ends its own.
    await start(['down', '-y', vm], {}).done
    throw error
  }
}

/** The lab as a case sees it: its own VM is called `contract`. */
function viewOf(user: LabUser, vm: string): SkyLab {
  const inside = (text: string) => text.replaceAll(vm, VM)
  let tasks = 0
  return {
    start: (args, env = {}) => {
      const started = start(
        args.map(arg => (arg === VM ? vm : arg)),
        env,
      )
      return {
        ...started,
        stdout: () => inside(started.stdout()),
        done: started.done.then(({ exitCode, stdout, stderr }) => ({
          exitCode,
          stdout: inside(stdout),
          stderr: inside(stderr),
        })),
      }
    },
    task: async ({ setup, run, top, resources }) => {
      const file = path.join(user.home, `${vm}-${++tasks}.yaml`)
      const task = { name: 'task', resources: { infra: INFRA, cpus: 1, ...resources }, setup, run, ...top }
      await writeFile(file, stringify(task))
      return file
    },
    machines: async () => (await user.machines()).map(inside),
    hand: async files => {
      const access = createSshAccess({
        home: user.home,
        env: { ...process.env, ...user.env },
        clock: systemClock,
      })
      await access.hand(vm, files, AbortSignal.timeout(60_000))
      await access.close()
    },
    stopServer: async () => void (await start(['api', 'stop'], {}).done),
    wait: seconds => sleep(seconds * 1000),
    now: () => performance.now() / 1000,
    skyFolder: path.join(user.home, '.sky'),
  }
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): SkyProcess {
  const child = spawn('sky', args, {
    env: { ...process.env, ...user.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text))
  return {
    done: ended(child).then((exitCode): SkyReply => ({ exitCode, stdout, stderr })),
    stdout: () => stdout,
    signal: signal => void child.kill(signal),
  }
}

/** As a shell sees it. */
async function ended(child: ChildProcess): Promise<number> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return code ?? 128 + (signal ? constants.signals[signal] : 0)
}
