import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { FailureKind } from '../../../src/fleet/failures.ts'
import { hasEnded, jobExit, jobStatus } from '../../../src/fleet/sky/exit-codes.ts'
import { failureClass } from '../../../src/fleet/sky/failure-class.ts'

const fixture = (name: string) =>
  ['stdout', 'stderr']
    .map(stream => readFileSync(new URL(`../../fixtures/sky/${name}.${stream}.txt`, import.meta.url), 'utf8'))
    .join('')

const SUMMARY =
  "sky.exceptions.ResourcesUnavailableError: Failed to provision all possible launchable resources. Relax the task's resource requirements: 1x AWS"

const table: readonly [FailureKind, string][] = [
  ['flag', fixture('launch_infeasible_slurm_cpus')],
  ['network', fixture('launch_infeasible')],
  ['network', fixture('launch_infeasible_slurm_gpus')],
  ['capacity', SUMMARY],
  ['capacity', `An error occurred (InsufficientInstanceCapacity) when calling RunInstances\n${SUMMARY}`],
  ['capacity', `(VcpuLimitExceeded) in us-east-1\n(InsufficientInstanceCapacity) in us-west-2\n${SUMMARY}`],
  ['capacity', `ZONE_RESOURCE_POOL_EXHAUSTED\n${SUMMARY}`],
  ['capacity', `Insufficient nvidia.com/gpu capacity on the cluster\n${SUMMARY}`],
  [
    'quota',
    `\u001b[33mFound no quota for g6.12xlarge on-demand instances in region us-east-1\u001b[0m\n${SUMMARY}`,
  ],
  ['quota', `(VcpuLimitExceeded): You have requested more vCPU capacity than your limit\n${SUMMARY}`],
  ['quota', `Quota 'NVIDIA_L4_GPUS' exceeded. Limit: 0.0 in region us-central1.\n${SUMMARY}`],
  ['authentication', `Failed to provision on cloud AWS due to invalid cloud credentials: x\n${SUMMARY}`],
  [
    'authentication',
    'ResourcesUnavailableError: Task requires AWS which is not enabled. To enable access, …',
  ],
  ['authentication', 'Authentication required for SkyPilot API server at https://sky.example'],
  ['network', 'Could not connect to SkyPilot API server at http://127.0.0.1:46580. Please ensure…'],
  [
    'budget',
    'No resource satisfying L4:4 on AWS.\n- Max hourly cost limit ($0.1/hr) may be too restrictive. Try…',
  ],
  ['flag', "Usage: sky launch [OPTIONS]\nError: No such option '--wait-four'"],
  ['setup', "ERROR: Job 2's setup failed with return code 3 (pid=28309)."],
  ['unknown', 'something else'],
  ['unknown', ''],
]

describe('why a launch failed', () => {
  it.each(table)('%s: %s', (kind, output) => {
    expect(failureClass(output)).toBe(kind)
  })
})

describe('exit codes and states', () => {
  it.each([
    [0, 'succeeded'],
    [1, 'error'],
    [100, 'failed'],
    [101, 'not finished'],
    [102, 'not found'],
    [103, 'cancelled'],
  ] as const)('%i: %s', (code, exit) => {
    expect(jobExit(code)).toBe(exit)
  })

  it('knows the states of jobs', () => {
    expect(jobStatus('FAILED_DRIVER')).toBe('FAILED')
    expect(jobStatus('NEW')).toBeNull()
    expect(hasEnded('SETTING_UP')).toBe(false)
    expect(hasEnded('FAILED_SETUP')).toBe(true)
  })
})
