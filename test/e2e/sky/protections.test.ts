import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, expect, inject, test } from 'vitest'
import { stringify } from 'yaml'
import { DISARM_SCRIPT } from '../../../src/fleet/sky/render/remote-paths.ts'
import { setupScript } from '../../../src/fleet/sky/render/scripts.ts'
import { killAll, processesWith } from '../../support/processes.ts'
import { INFRA, labUser } from '../../support/sky-lab/lab.ts'
import { ASK_SKY_MS, known, startServer, until } from '../../support/sky-lab/world.ts'

/** What protects a VM when, and what does not. That the lease is in force during setup: contract.test.ts. */
const user = await labUser(inject('skyLab'), 'protections')
afterEach(async () => {
  await user.sky('down', '-y', '-a')
  expect(await known(user)).toEqual([])
  const machines = async () => (await user.machines()).filter(name => name === 'own' || name === 'early')
  await expect.poll(machines).toEqual([])
})
afterAll(() => user.sky('api', 'stop'))

async function task(name: string, scripts: { setup?: string; run: string }): Promise<string> {
  const file = path.join(user.home, `${name}.yaml`)
  await writeFile(file, stringify({ resources: { infra: INFRA, cpus: 1 }, ...scripts }))
  return file
}

test('setup arms the shutdown on a machine of its own, never on Slurm', async () => {
  const asIf = (cloud: string) =>
    `export SKYPILOT_CLUSTER_INFO='{"cluster_name": "own", "cloud": "${cloud}"}'`
  const setup = `
mkdir -p ~/bin
printf '#!/bin/sh\\n[ "$1" != -n ] || shift\\nexec "$@"\\n' > ~/bin/sudo
printf '#!/bin/sh\\necho "ASKED: $*"\\n echo "$*" >> ~/asked\\n' > ~/bin/shutdown
chmod 755 ~/bin/*
export PATH=~/bin:$PATH
${setupScript('echo "SETUP: as it is"', 7)}
echo "SLURM: $(cat ~/asked 2>/dev/null | tr '\\n' ',')."
${asIf('AWS')}
${setupScript('echo "SETUP: as if on AWS: $(cat ~/asked)"', 7)}
${DISARM_SCRIPT}
${DISARM_SCRIPT}
echo "AWS: $(cat ~/asked | tr '\\n' ',')."`
  const launched = await user.sky(
    'launch',
    '-y',
    '-d',
    '-c',
    'own',
    await task('own', { setup, run: 'true' }),
  )
  expect(launched).toContain('Job submitted')
  const whole = async () => {
    const text = await user.sky('logs', 'own', '1', '--no-follow')
    return text.includes('AWS: ') ? text : undefined
  }
  const log = await until('the job has ended', whole, { everyMs: ASK_SKY_MS })
  expect(log).toContain('SLURM: .')
  // It was the first thing: the user's own setup sees it.
  expect(log).toContain('SETUP: as if on AWS: -P +7')
  expect(log).toContain('AWS: -P +7,-c,.')
})

test('not covered: a runner that vanishes with its API server while the VM is being provisioned', async () => {
  const file = await task('early', { setup: 'sleep 600', run: 'true' })
  const lease = ['-i', '1', '--down', '--wait-for', 'none']
  const launch = user.sky('launch', '-y', '-d', '-c', 'early', ...lease, file)
  await until('there is a machine', async () => (await user.machines()).find(name => name === 'early'))
  killAll(processesWith(user.home).filter(({ command }) => /sky/i.test(command)))
  await launch
  // A lease of one minute, and two looks of skylet.
  await sleep(200_000)
  expect(await user.machines()).toContain('early')

  // A new API server on the same state knows it.
  await startServer(user)
  expect(await known(user)).toMatchObject([{ name: 'early', autostop: -1 }])
  await user.sky('down', '-y', 'early')
  await expect.poll(() => user.machines()).not.toContain('early')
})
