import { describe, expect, it } from 'vitest'
import {
  autostopArgs,
  checkArgs,
  costReportArgs,
  downArgs,
  dryrunArgs,
  endpointArgs,
  launchArgs,
  logsArgs,
  queueArgs,
  requestsArgs,
  statusArgs,
  stopServerArgs,
} from '../../../src/fleet/sky/argv.ts'

const launch = { name: 'qwen-k3x9a', file: '/r/qwen.yaml', leaseMinutes: 10 }

const table: readonly [string, readonly string[], string][] = [
  ['launch', launchArgs(launch), 'launch -y -d -c qwen-k3x9a -i 10 --down --wait-for none /r/qwen.yaml'],
  [
    'launch with a variable',
    launchArgs({ ...launch, envs: ['LMRUN_LAUNCH=a1b2c3d4'] }),
    'launch -y -d -c qwen-k3x9a -i 10 --down --wait-for none --env LMRUN_LAUNCH=a1b2c3d4 /r/qwen.yaml',
  ],
  [
    "launch with the VM's identity",
    launchArgs({ ...launch, config: ['aws.remote_identity=SERVICE_ACCOUNT'] }),
    'launch -y -d -c qwen-k3x9a -i 10 --down --wait-for none --config aws.remote_identity=SERVICE_ACCOUNT /r/qwen.yaml',
  ],
  [
    'a lease of part of a minute is never shorter than asked',
    launchArgs({ ...launch, leaseMinutes: 0.2 }),
    'launch -y -d -c qwen-k3x9a -i 1 --down --wait-for none /r/qwen.yaml',
  ],
  ['dry run', dryrunArgs('t.yaml'), 'launch --dryrun -y t.yaml'],
  ['down', downArgs('a'), 'down -y a'],
  ['status', statusArgs([]), 'status -o json'],
  ['status of some', statusArgs(['a', 'b']), 'status -o json a b'],
  ['status asked of the cloud', statusArgs(['a'], 'ask-cloud'), 'status -r -o json a'],
  ['endpoint', endpointArgs('a', 8000), 'status --endpoint 8000 a'],
  ['queue', queueArgs('a'), 'queue -o json a'],
  ['renewal of all at once', autostopArgs(['a', 'b'], 9.5), 'autostop -y -i 10 --down --wait-for none a b'],
  ['logs', logsArgs('a', 1, 40), 'logs --no-follow --tail 40 a 1'],
  ['cost', costReportArgs(), 'cost-report --days 1 -o json'],
  ['check', checkArgs(['aws']), 'check -o json aws'],
  ['requests', requestsArgs(), 'api status -v -l all -o json'],
  ['stop', stopServerArgs(), 'api stop'],
]

describe('arguments of sky', () => {
  it.each(table)('%s', (_, args, expected) => {
    expect(args.join(' ')).toBe(expected)
  })
})
