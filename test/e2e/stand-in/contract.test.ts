import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import path from 'node:path'
import { describe, test } from 'vitest'
import { stringify } from 'yaml'
import { systemClock } from '../../../src/clock.ts'
import { createSshAccess } from '../../../src/fleet/sky/ssh/access.ts'
import { CONTRACT, type SkyLab, type SkyProcess, type SkyReply, VM } from '../../fleet/sky/contract.ts'
import { createSkyStandIn, type SkyStandIn } from '../../support/sky-stand-in/stand-in.ts'

describe.concurrent.each(CONTRACT)('$group', ({ fact, run }) => {
  test(fact, async () => {
    await using sky = await createSkyStandIn({ speed: 20 })
    await run(labOf(sky))
  })
})

function labOf(sky: SkyStandIn): SkyLab {
  let tasks = 0
  return {
    start: (args, env = {}) => start(args, { PATH: '', ...process.env, ...sky.env, ...env }),
    task: async ({ setup, run, top, resources }) => {
      const file = path.join(sky.folder, `task-${++tasks}.yaml`)
      await writeFile(
        file,
        stringify({ name: 'task', resources: { infra: 'aws', ...resources }, setup, run, ...top }),
      )
      return file
    },
    machines: async () => sky.cloud.alive().map(({ name }) => name),
    hand: async files => {
      const access = createSshAccess({
        home: sky.home,
        env: { ...process.env, ...sky.env },
        clock: systemClock,
      })
      await access.hand(VM, files, AbortSignal.timeout(60_000))
      await access.close()
    },
    stopServer: async () => void (await start(['api', 'stop'], { ...process.env, ...sky.env }).done),
    wait: seconds => sky.cloud.seconds(seconds),
    now: () => (performance.now() * sky.speed) / 1000,
    skyFolder: path.join(sky.home, '.sky'),
  }
}

function start(args: readonly string[], env: NodeJS.ProcessEnv): SkyProcess {
  const child = spawn('sky', args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
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
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return code ?? 128 + (signal ? constants.signals[signal] : 0)
}
