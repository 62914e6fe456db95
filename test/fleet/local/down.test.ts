import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import { forever, testFleet, until } from './support.ts'

/** A tree that does all it can to stay: sessions of its own, no environment, deaf to TERM, orphans. */
const STUBBORN = `run: |
  trap '' TERM
  setsid sleep 601 &
  (setsid bash -c 'trap "" TERM HUP; sleep 602 & while :; do sleep 1; done' &)
  env -i $(command -v sleep) 603 &
  # Its parent goes with the first TERM.
  bash -c 'env -i $(command -v setsid) $(command -v bash) -c "trap : TERM; $(command -v sleep) 604" & wait' &
  echo ready
  while :; do sleep 1; done
`

async function stubborn(name: string, t: Awaited<ReturnType<typeof testFleet>>) {
  const job = await t.fleet.launch(await t.request(name, STUBBORN), forever())
  await until(async () => (await t.fleet.tailLog(job, 1))[0] === 'ready')
  await until(async () => (await t.sleepers()).length >= 4)
  return job
}

test('ends the whole tree, whatever it does, and proves it', async () => {
  await using t = await testFleet()
  await stubborn('vm', t)
  expect(await t.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
  expect(await t.processes()).toEqual([])
  expect(await t.sleepers()).toEqual([])
  expect(await t.fleet.list()).toEqual([])
})

test('also after its keeper was killed', async () => {
  await using t = await testFleet()
  const job = await t.fleet.launch(
    await t.request('vm', 'run: |\n  setsid sleep 601 &\n  sleep 602\n'),
    forever(),
  )
  await until(async () => (await t.sleepers()).length === 2)
  await t.signalKeeper('vm', 'SIGKILL')
  await expect(t.fleet.jobEnd(job, forever())).rejects.toThrow(
    'vm was lost: it is gone, and this run did not end it',
  )
  expect((await t.fleet.list()).map(({ status }) => status)).toEqual(['ENDING'])
  expect(await t.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
  expect(await t.sleepers()).toEqual([])
  expect(await t.fleet.list()).toEqual([])
})

test('the name of a VM whose keeper was killed can be launched again', async () => {
  await using t = await testFleet()
  const request = await t.request('vm', 'run: sleep 601\n')
  await t.fleet.launch(request, forever())
  await t.signalKeeper('vm', 'SIGKILL')
  await until(async () => (await t.fleet.list())[0]?.status === 'ENDING')
  await t.fleet.launch(request, forever())
  await until(async () => (await t.sleepers()).length === 1)
  expect((await t.fleet.list()).map(({ status }) => status)).toEqual(['UP'])
})

test('names that never were, names twice, no names', async () => {
  await using t = await testFleet()
  expect(await t.fleet.down([])).toEqual([])
  expect(await t.fleet.down(['a', 'a', 'b'])).toEqual([
    { name: 'a', verified: true },
    { name: 'a', verified: true },
    { name: 'b', verified: true },
  ])
})

test('a half-written folder, and one that vanished under its VM', async () => {
  await using t = await testFleet()
  await mkdir(path.join(t.home, 'vms', 'half'), { recursive: true })
  await writeFile(path.join(t.home, 'vms', 'half', 'vm.json'), '{"id": "hal')
  await writeFile(path.join(t.home, 'vms', 'file'), '')
  const request = await t.request('lost', 'run: sleep 601\n')
  await t.fleet.launch(request, forever())
  await until(async () => (await t.sleepers()).length === 1)
  await rm(path.join(t.home, 'vms', 'lost'), { recursive: true, force: true, maxRetries: 5 })
  const ended = await t.fleet.down(['half', 'lost', 'file'])
  expect(ended.map(({ verified }) => verified)).toEqual([true, true, true])
  expect(await t.fleet.list()).toEqual([])
  expect(await t.processes()).toEqual([])
})

test('during setup', async () => {
  await using t = await testFleet()
  const job = await t.fleet.launch(await t.request('vm', 'setup: sleep 601\nrun: touch ran\n'), forever())
  await until(async () => (await t.sleepers()).length === 1)
  expect((await t.fleet.jobState(job)).status).toBe('SETTING_UP')
  expect(await t.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
  expect(await t.processes()).toEqual([])
})

test('twice at once', async () => {
  await using t = await testFleet()
  await stubborn('vm', t)
  const ends = await Promise.all([t.fleet.down(['vm']), t.fleet.down(['vm']), t.fleet.down(['vm', 'vm'])])
  expect(ends.flat().every(({ verified }) => verified)).toBe(true)
  expect(await t.processes()).toEqual([])
})

test('of a launch under way: it does not come up afterwards', async () => {
  await using t = await testFleet()
  for (let tries = 0; tries < 5; tries++) {
    const launch = t.fleet.launch(await t.request('vm', 'run: sleep 601\n'), forever())
    const settled = launch.then(
      () => 'launched',
      (error: Error) => error.message,
    )
    expect(await t.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
    expect(await settled).toBe('the VM was ended while it was being launched')
    expect(await t.processes()).toEqual([])
    expect(await t.fleet.list()).toEqual([])
  }
})

test('of a launch under way in another process, at any moment of it', async () => {
  await using t = await testFleet()
  const request = await t.request('vm', 'run: sleep 601\n')
  for (const delay of [0, 5, 20, 40, 60, 90, 130, 200]) {
    const parent = await t.parent(request)
    await parent.says('launching')
    await new Promise(resolve => setTimeout(resolve, delay))
    parent.kill('SIGKILL')
    expect(await t.fleet.down(['vm'])).toEqual([{ name: 'vm', verified: true }])
    expect(await t.processes()).toEqual([])
    expect(await t.fleet.list()).toEqual([])
  }
})

test('an aborted launch takes back what it had started', async () => {
  await using t = await testFleet()
  for (const delay of [0, 10, 30, 60]) {
    const signal = AbortSignal.timeout(delay)
    const launch = t.fleet.launch(await t.request('vm', 'run: sleep 601\n'), signal)
    await launch.catch(() => {})
    if (
      !(await launch.then(
        () => true,
        () => false,
      ))
    ) {
      expect(await t.processes()).toEqual([])
      expect(await t.fleet.list()).toEqual([])
    }
    await t.fleet.down(['vm'])
  }
})

test('a VM of the same name in another home is somebody else', async () => {
  await using a = await testFleet()
  await using b = await testFleet()
  await a.fleet.launch(await a.request('vm', 'run: sleep 601\n'), forever())
  await b.fleet.launch(await b.request('vm', 'run: sleep 601\n'), forever())
  await until(async () => (await b.sleepers()).length === 1)
  await rm(path.join(a.home, 'vms', 'vm', 'vm.json'))
  await a.fleet.down(['vm'])
  expect(await a.processes()).toEqual([])
  expect((await b.fleet.list()).map(({ status }) => status)).toEqual(['UP'])
  expect(await b.sleepers()).toHaveLength(1)
})

test('twenty side by side', async () => {
  await using t = await testFleet()
  const names = Array.from({ length: 20 }, (_, i) => `vm-${i}`)
  await Promise.all(
    names.map(async name => t.fleet.launch(await t.request(name, 'run: sleep 601\n'), forever())),
  )
  await until(async () => (await t.sleepers()).length === 20)
  expect(await t.fleet.list()).toHaveLength(20)
  const ended = await t.fleet.down(names)
  expect(ended.map(({ name, verified }) => [name, verified])).toEqual(names.map(name => [name, true]))
  expect(await t.processes()).toEqual([])
  expect(await t.fleet.list()).toEqual([])
})

test('a keeper that is told to end by a signal ends its VM', async () => {
  await using t = await testFleet()
  await stubborn('vm', t)
  await t.signalKeeper('vm', 'SIGTERM')
  await until(async () => (await t.fleet.list()).length === 0 && (await t.processes()).length === 0)
  expect(await t.sleepers()).toEqual([])
})
