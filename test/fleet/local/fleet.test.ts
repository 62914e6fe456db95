import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Fleet, Job } from '../../../src/fleet/fleet.ts'
import { forever, type TestFleet, testFleet, until } from './support.ts'

const SLEEP = 'run: sleep 600\n'

async function exec(fleet: Fleet, vm: string, task: Parameters<NonNullable<Fleet['exec']>>[1]): Promise<Job> {
  if (!fleet.exec) throw new Error('this fleet has no exec')
  return fleet.exec(vm, task, forever())
}

describe('jobs', () => {
  test.each([
    ['true', { status: 'SUCCEEDED', exitCode: 0 }],
    ['exit 7', { status: 'FAILED', exitCode: 7 }],
    ['kill -KILL $$', { status: 'FAILED', exitCode: null, signal: 'SIGKILL' }],
    ['nonsense-command', { status: 'FAILED', exitCode: 127 }],
  ])('%s', async (run, state) => {
    await using t = await testFleet()
    const job = await t.fleet.launch(await t.request('vm', `run: ${JSON.stringify(run)}`), forever())
    expect(job).toEqual({ vm: 'vm', id: 1 })
    expect(await t.fleet.jobEnd(job, forever())).toEqual(state)
    expect(await t.fleet.jobState(job)).toEqual(state)
    expect((await t.fleet.tailLog(job, 1))[0]).toMatch(
      /^lmrun: job 1 (ended with exit code \d+|was ended by SIGKILL)$/,
    )
  })

  test('a failed setup', async () => {
    await using t = await testFleet()
    const request = await t.request('vm', 'setup: echo oh no; exit 3\nrun: echo never\n')
    const job = await t.fleet.launch(request, forever())
    expect(await t.fleet.jobEnd(job, forever())).toEqual({ status: 'FAILED_SETUP', exitCode: 3 })
    expect(await t.fleet.tailLog(job, 9)).toEqual(['oh no', 'lmrun: job 1 ended with exit code 3'])
    const later = await exec(t.fleet, 'vm', await t.task('run: echo never\n'))
    expect((await t.fleet.jobEnd(later, forever())).status).toBe('FAILED_SETUP')
    expect((await t.fleet.list()).map(({ status }) => status)).toEqual(['UP'])
  })

  test('get their variables, a working folder and lmrun; and nothing of the caller', async () => {
    await using t = await testFleet()
    const template = `
envs: {A: from template, B: null}
secrets: {TOKEN: null}
resources: {ports: [8000, 9000]}
setup: |
  env > setup.env
run: |
  env > run.env
  cp $LMRUN_SETUP/setup.env .
  pwd
  lmrun score "two words"
  echo to stderr > /dev/stderr
`
    const request = await t.request('alpha', template, { envs: { B: 'b' }, secrets: { TOKEN: 's3cret-1' } })
    const job = await t.fleet.launch(request, forever())
    expect(await t.fleet.jobEnd(job, forever())).toEqual({ status: 'SUCCEEDED', exitCode: 0 })
    const to = path.join(t.home, 'out')
    expect(await t.fleet.fetch('alpha', '.', to)).toBe(true)
    const vars = async (file: string) =>
      Object.fromEntries(
        (await readFile(path.join(to, file), 'utf8')).split('\n').map(line => line.split(/=(.*)/s)),
      )
    const [run, setup] = [await vars('run.env'), await vars('setup.env')]
    const { host, port } = await t.fleet.endpoint('alpha', 8000)
    expect(host).toBe('127.0.0.1')
    expect(run).toMatchObject({
      A: 'from template',
      B: 'b',
      TOKEN: 's3cret-1',
      LMRUN_PORT_8000: String(port),
      SKYPILOT_NODE_RANK: '0',
      LMRUN_TEMPLATE_DIR: t.home,
    })
    expect(run.LMRUN_PORT_9000).not.toBe(run.LMRUN_PORT_8000)
    expect(JSON.parse(String(run.SKYPILOT_CLUSTER_INFO))).toMatchObject({ cluster_name: 'alpha' })
    expect(setup).toMatchObject({
      A: 'from template',
      TOKEN: 's3cret-1',
      SKYPILOT_SETUP_NODE_RANK: '0',
      LMRUN_SETUP: run.LMRUN_SETUP,
    })
    expect(run).not.toHaveProperty('SECRET_OF_THE_RUNNER')
    expect(await t.fleet.tailLog(job, 9)).toEqual([
      path.join(t.home, 'vms', 'alpha', 'work'),
      'lmrun got score two words',
      'to stderr',
      'lmrun: job 1 ended with exit code 0',
    ])
    await expect(t.fleet.endpoint('alpha', 1)).rejects.toThrow(
      'the VM alpha has no port 1; declared: 8000, 9000',
    )
  })

  test('several side by side, numbered from 1, beside the first', async () => {
    await using t = await testFleet()
    await t.fleet.launch(await t.request('vm', SLEEP), forever())
    // Each waits for the others: they end only when all run at once.
    const meet =
      'envs: {ME: null}\nrun: |\n  touch met.$ME\n  until [ $(ls met.* | wc -l) = 4 ]; do sleep 0.02; done\n  exit $ME\n'
    const task = await t.task(meet)
    const jobs = await Promise.all(
      [1, 2, 3, 4].map(me => exec(t.fleet, 'vm', { ...task, envs: { ME: String(me) } })),
    )
    expect(jobs.map(({ id }) => id).sort()).toEqual([2, 3, 4, 5])
    const codes = await Promise.all(jobs.map(async job => (await t.fleet.jobEnd(job, forever())).exitCode))
    expect(codes).toEqual([1, 2, 3, 4])
    await until(async () => (await t.fleet.jobState({ vm: 'vm', id: 1 })).status === 'RUNNING')
    await expect(t.fleet.jobState({ vm: 'vm', id: 99 })).rejects.toThrow('the VM vm has no job 99')
  })

  test('a job that leaves a child behind ends; the child belongs to the VM', async () => {
    await using t = await testFleet()
    const job = await t.fleet.launch(
      await t.request('vm', 'run: |\n  sleep 600 &\n  echo left it\n'),
      forever(),
    )
    expect(await t.fleet.jobEnd(job, forever())).toEqual({ status: 'SUCCEEDED', exitCode: 0 })
    expect((await t.processes()).map(({ command }) => command)).toContain('sleep')
    await t.fleet.down(['vm'])
    expect(await t.processes()).toEqual([])
  })

  test('jobEnd rejects on abort, and when the VM goes', async () => {
    await using t = await testFleet()
    const job = await t.fleet.launch(await t.request('vm', SLEEP), forever())
    await expect(t.fleet.jobEnd(job, AbortSignal.timeout(50))).rejects.toThrow(/timeout/)
    // While it is ended it may be seen as cancelled; after that it is gone.
    const end = t.fleet.jobEnd(job, forever()).then(
      ({ status }) => status,
      (error: Error) => error.message,
    )
    await t.fleet.down(['vm'])
    expect(['vm was lost: it is gone, and this run did not end it', 'CANCELLED']).toContain(await end)
    await expect(t.fleet.jobEnd(job, forever())).rejects.toThrow(
      'vm was lost: it is gone, and this run did not end it',
    )
    await expect(t.fleet.tailLog(job, 5)).rejects.toThrow(
      'vm was lost: it is gone, and this run did not end it',
    )
    await expect(exec(t.fleet, 'vm', await t.task(SLEEP))).rejects.toThrow(
      'vm was lost: it is gone, and this run did not end it',
    )
  })
})

test('secrets are in the environment of their own jobs and nowhere else', async () => {
  await using t = await testFleet()
  const [first, second] = ['s3cret-of-launch', 's3cret-of-exec']
  const run = 'run: |\n  echo "it is $TOKEN"; echo "$TOKEN" >&2; sleep 600\n'
  await t.fleet.launch(await t.request('vm', run, { secrets: { TOKEN: first } }), forever())
  await t.fleet.launch(await t.request('other', SLEEP), forever())
  const job = await exec(t.fleet, 'vm', await t.task(run, { secrets: { TOKEN: second } }))
  await until(async () => (await t.fleet.tailLog(job, 5)).length >= 2)
  await until(async () => (await t.fleet.tailLog({ ...job, id: 1 }, 5)).length >= 2)
  expect(await t.fleet.tailLog(job, 5)).toEqual(['it is ***', '***'])
  for (const { pid } of await t.processes()) {
    const [argv, environ] = await Promise.all([
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
      readFile(`/proc/${pid}/environ`, 'utf8'),
    ])
    expect(argv).not.toContain('s3cret')
    // The keepers, and the jobs of the other VM.
    if (!environ.includes('SKYPILOT_NODE_RANK') || environ.includes('LMRUN_VM=other'))
      expect(environ).not.toContain('s3cret')
  }
  for (const file of await filesIn(t.home))
    expect(await readFile(file, 'latin1'), file).not.toContain('s3cret')
})

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => path.join(entry.parentPath, entry.name))
}

describe('setup cache', () => {
  const BUILD = 'setup: |\n  echo building; sleep 0.5; echo $RANDOM > built\nrun: cat $LMRUN_SETUP/built\n'

  test('two VMs with the same setup at once build it once', async () => {
    await using t = await testFleet()
    const jobs = await Promise.all(
      ['a', 'b', 'c'].map(async name => t.fleet.launch(await t.request(name, BUILD), forever())),
    )
    for (const job of jobs) expect((await t.fleet.jobEnd(job, forever())).status).toBe('SUCCEEDED')
    const logs = await Promise.all(jobs.map(job => t.fleet.tailLog(job, 20)))
    expect(logs.flat().filter(line => line === 'building')).toHaveLength(1)
    expect(logs.flat().filter(line => line === 'lmrun: setup from cache')).toHaveLength(2)
    expect(new Set(logs.map(log => log.at(-2))).size).toBe(1)
  })

  test('a setup that was killed leaves nothing that looks done, and the next VM builds it', async () => {
    await using t = await testFleet()
    const slow = 'setup: |\n  touch begun; sleep 600; echo built\nrun: "true"\n'
    const first = await t.fleet.launch(await t.request('a', slow), forever())
    await until(async () => (await filesIn(t.home)).some(file => file.endsWith('/begun')))
    expect((await t.fleet.jobState(first)).status).toBe('SETTING_UP')
    await t.signalKeeper('a', 'SIGKILL')
    // The very same setup: it takes over the lock of the dead keeper, and ends what that left running.
    const second = await t.fleet.launch(await t.request('b', slow), forever())
    await until(async () => {
      const left = await t.processes()
      return (
        left.every(({ marker }) => marker?.startsWith('b.')) &&
        left.some(({ command }) => command === 'sleep')
      )
    })
    expect((await t.fleet.jobState(second)).status).toBe('SETTING_UP')
    expect(await t.fleet.down(['a', 'b'])).toEqual([
      { name: 'a', verified: true },
      { name: 'b', verified: true },
    ])
    expect((await filesIn(path.join(t.home, 'setups'))).filter(file => file.endsWith('.lmrun-done'))).toEqual(
      [],
    )
  })
})

describe('lease', () => {
  test('a VM ends itself, with all it started, when its lease is over', async () => {
    await using t = await testFleet()
    const job = await t.fleet.launch(
      await t.request('vm', 'run: |\n  setsid sleep 600 &\n  sleep 600\n', { leaseMinutes: 2 / 60 }),
      forever(),
    )
    await expect(
      t.fleet.jobEnd(job, forever()).then(({ status }) => {
        throw new Error(status)
      }),
    ).rejects.toThrow(/gone|CANCELLED/)
    await until(async () => (await t.fleet.list()).length === 0 && (await t.processes()).length === 0)
  })

  test('also when whoever launched it was killed', async () => {
    await using t = await testFleet()
    const parent = await t.parent(await t.request('vm', SLEEP, { leaseMinutes: 3 / 60 }))
    await parent.says('launched')
    parent.kill('SIGKILL')
    expect((await t.fleet.list()).map(({ name, status }) => [name, status])).toEqual([['vm', 'UP']])
    await until(async () => (await t.fleet.list()).length === 0 && (await t.processes()).length === 0)
  })

  test('renewed, it lives on; to shorten it is to renew it', async () => {
    await using t = await testFleet()
    await t.fleet.launch(await t.request('vm', SLEEP, { leaseMinutes: 2 / 60 }), forever())
    await t.fleet.renewLease(['vm'], 60)
    await sleep(3000)
    const [vm] = await t.fleet.list()
    expect(vm?.status).toBe('UP')
    expect(Number(vm?.expiresAt)).toBeGreaterThan(Date.now() + 50 * 60_000)
    await t.fleet.renewLease(['vm'], 0.001)
    await until(async () => (await t.fleet.list()).length === 0)
    await expect(t.fleet.renewLease(['vm'], 60)).rejects.toThrow(
      'vm was lost: it is gone, and this run did not end it',
    )
    await expect(t.fleet.renewLease(['vm'], Number.NaN)).rejects.toThrow(/lease: NaN minutes/)
  })

  test.each([
    ['autostop: {idle_minutes: 0, down: true}', 'run: "true"'],
    ['autostop: {idle_minutes: 0, down: true, wait_for: none}', 'run: sleep 600'],
  ])('%s', async (autostop, run) => {
    await using t = await testFleet()
    await t.fleet.launch(await t.request('vm', `resources: {${autostop}}\n${run}\n`), forever())
    await until(async () => (await t.fleet.list()).length === 0 && (await t.processes()).length === 0)
  })

  test('autostop waits for the end of the last job', async () => {
    await using t = await testFleet()
    const template = 'resources: {autostop: {idle_minutes: 0, down: true}}\nrun: sleep 1.5; touch done\n'
    await t.fleet.launch(await t.request('vm', template), forever())
    await sleep(800)
    expect((await t.fleet.list()).map(({ status }) => status)).toEqual(['UP'])
    await until(async () => (await t.fleet.list()).length === 0)
  })
})

describe('ports', () => {
  test('VMs launched side by side get their own, and give them back', async () => {
    await using t = await testFleet()
    const names = ['a', 'b', 'c', 'd', 'e']
    const template = `resources: {ports: [8000]}\nrun: exec python3 -m http.server --bind 127.0.0.1 $LMRUN_PORT_8000\n`
    await Promise.all(names.map(async name => t.fleet.launch(await t.request(name, template), forever())))
    const endpoints = await Promise.all(names.map(name => t.fleet.endpoint(name, 8000)))
    expect(new Set(endpoints.map(({ port }) => port)).size).toBe(5)
    for (const { host, port } of endpoints) await until(() => connects(host, port))
    await t.fleet.down(names)
    expect(await readdir(path.join(t.home, 'ports'))).toEqual([])
    for (const { host, port } of endpoints) expect(await connects(host, port)).toBe(false)
  })
})

function connects(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

describe('fetch', () => {
  test('files and folders; links only to files of the same folder', async () => {
    await using t = await testFleet()
    const run =
      'run: |\n  mkdir -p data/a; echo x > data/a/x; ln -s a/x data/inside; ln -s /etc/passwd data/outside; ln -s .. data/up; mkfifo data/pipe\n'
    const job = await t.fleet.launch(await t.request('vm', run), forever())
    await t.fleet.jobEnd(job, forever())
    const to = path.join(t.home, 'results', 'data')
    expect(await t.fleet.fetch('vm', 'data', to)).toBe(true)
    expect((await filesIn(to)).map(file => path.relative(to, file)).sort()).toEqual(['a/x', 'inside'])
    expect(await t.fleet.fetch('vm', 'data/a/x', path.join(t.home, 'one'))).toBe(true)
    expect(await readFile(path.join(t.home, 'one'), 'utf8')).toBe('x\n')
    expect(await t.fleet.fetch('vm', 'not/there', to)).toBe(false)
    expect(await t.fleet.fetch('vm', 'data/outside', to)).toBe(false)
    for (const from of ['../vm.json', '/etc/passwd', 'data/../../vm.json']) {
      await expect(t.fleet.fetch('vm', from, to)).rejects.toThrow(/inside it/)
    }
  })
})

describe('refusals', () => {
  test.each([
    ['A bad name', /VM name: "A bad name"/],
    ['', /VM name: ""/],
    ['1a', /VM name/],
    ['a-', /VM name/],
    ['a'.repeat(27), /at most 26 characters/],
    ['../../etc', /VM name/],
  ])('the name %j', async (name, message) => {
    await using t = await testFleet()
    const request = await t.request(name, SLEEP)
    await expect(t.fleet.check(request)).rejects.toThrow(message)
    await expect(t.fleet.launch(request, forever())).rejects.toThrow(message)
    expect(await t.fleet.down([name])).toEqual([{ name, verified: true }])
    await nothingHappened(t)
  })

  test('everything that is wrong with a request, at once, before anything is written', async () => {
    await using t = await testFleet()
    const template = 'resources: {accelerators: L4}\nenvs: {A: null}\n'
    const request = await t.request('X', template, { leaseMinutes: -1 })
    await expect(t.fleet.launch(request, forever())).rejects.toMatchObject({ problems: { length: 4 } })
    await nothingHappened(t)
  })

  test('a signal that was aborted before', async () => {
    await using t = await testFleet()
    await expect(t.fleet.launch(await t.request('vm', SLEEP), AbortSignal.abort())).rejects.toThrow(/aborted/)
    await nothingHappened(t)
  })

  test('a name that is up; of several that want one, one gets it', async () => {
    await using t = await testFleet()
    const request = await t.request('vm', SLEEP)
    const launches = await Promise.allSettled([1, 2, 3].map(() => t.fleet.launch(request, forever())))
    expect(launches.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(t.fleet.launch(request, forever())).rejects.toThrow('the VM vm is up already')
    await until(async () => (await t.fleet.jobState({ vm: 'vm', id: 1 })).status === 'RUNNING')
  })

  test('a keeper that cannot start says why, and leaves nothing', async () => {
    await using t = await testFleet()
    const broken = path.join(t.home, 'broken.mjs')
    await writeFile(broken, 'throw new Error("no luck")')
    await using b = await testFleet({ runtime: { ...t.runtime, vmEntry: broken } })
    await expect(b.fleet.launch(await b.request('vm', SLEEP), forever())).rejects.toMatchObject({
      message: 'the VM vm did not come up',
      hint: expect.stringContaining('no luck'),
    })
    expect(await b.fleet.list()).toEqual([])
  })

  async function nothingHappened(t: TestFleet): Promise<void> {
    expect(await t.fleet.list()).toEqual([])
    expect(await t.processes()).toEqual([])
    await expect(stat(path.join(t.home, 'vms'))).rejects.toThrow()
  }
})

test('labels of the template and of the request', async () => {
  await using t = await testFleet()
  const template = `resources: {labels: {team: a, who: template}}\n${SLEEP}`
  await t.fleet.launch(await t.request('vm', template, { labels: { who: 'request' } }), forever())
  expect((await t.fleet.list())[0]?.labels).toEqual({ team: 'a', who: 'request' })
})

test('a port that is listened on is not given', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await using _ = { [Symbol.asyncDispose]: async () => void server.close() }
  await using t = await testFleet()
  await t.fleet.launch(await t.request('vm', `resources: {ports: [1]}\n${SLEEP}`), forever())
  expect(await connects('127.0.0.1', (await t.fleet.endpoint('vm', 1)).port)).toBe(false)
})
