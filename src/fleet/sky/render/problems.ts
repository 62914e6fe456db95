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

/** Keys in which SkyPilot itself puts the values of variables: `$NAME`, `${NAME}`. */
const FILLED = ['file_mounts', 'workdir', 'volumes']

/** Secrets that SkyPilot would have to know. @param task the template's file, as parsed */
export function secretProblems(
  task: Readonly<Record<string, unknown>>,
  secretNames: readonly string[],
  { places, file }: Template,
): Problem[] {
  return FILLED.flatMap(key => {
    const named = [...JSON.stringify(task[key] ?? null).matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(
      ([, name]) => name,
    )
    return secretNames
      .filter(name => named.includes(name))
      .map(name => {
        const allowed = `SkyPilot fills it in and keeps it: make it an env, or let setup use $${name}`
        return { where: places.get(key) ?? file, what: `the secret ${name} in ${key}`, allowed }
      })
  })
}

function reserved(name: string, { places, file }: Template): Problem[] {
  if (!/^(LMRUN|SKYPILOT)_/.test(name)) return []
  const where = places.get(`envs.${name}`) ?? places.get(`secrets.${name}`) ?? file
  const allowed = 'LMRUN_* and SKYPILOT_* are set by the fleet: take another name'
  return [{ where, what: `the variable ${name}`, allowed }]
}
