import type { Problem } from '../../../errors.ts'
import type { Template } from '../../template.ts'

const REFUSED: Readonly<Record<string, string>> = {
  service: 'A run launches VMs, no SkyServe replicas: take it out',
  pool: 'A run launches VMs, no pool of workers: take it out',
}

/** What would break a run on SkyPilot's VMs of a sound template. All other keys of SkyPilot are its own business. */
export function skyProblems(template: Template, variables: readonly string[]): Problem[] {
  const { places, numNodes, file } = template
  const problems: Problem[] = Object.entries(REFUSED).flatMap(([key, allowed]) => {
    const where = places.get(key)
    return where === undefined ? [] : [{ where, what: `'${key}' is no part of a VM`, allowed }]
  })
  if (numNodes !== 1) {
    const allowed = 'The run watches, renews and ends one node a VM: give num_nodes: 1, or leave it out'
    problems.push({ where: places.get('num_nodes') ?? file, what: `num_nodes is ${numNodes}`, allowed })
  }
  for (const phase of ['setup', 'run'] as const) {
    if (!template[phase].includes('\0')) continue
    const where = places.get(phase) ?? file
    problems.push({ where, what: `a NUL character in ${phase}`, allowed: 'A script cannot hold one' })
  }
  return [...problems, ...variables.flatMap(name => reserved(name, template))]
}

function reserved(name: string, { places, file }: Template): Problem[] {
  if (!/^(LMRUN|SKYPILOT)_/.test(name)) return []
  const where = places.get(`envs.${name}`) ?? places.get(`secrets.${name}`) ?? file
  const allowed = 'LMRUN_* and SKYPILOT_* are set by the fleet: take another name'
  return [{ where, what: `the variable ${name}`, allowed }]
}
