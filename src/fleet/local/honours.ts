import type { Problem } from '../../errors.ts'
import type { Template } from '../template.ts'

/** Keys that a VM on this machine can honour; all others of SkyPilot's ask for hardware, a cloud or a copy of files. */
const HONOURED = ['name', 'envs', 'secrets', 'setup', 'run', 'num_nodes', 'resources']
const HONOURED_RESOURCES = ['ports', 'autostop', 'labels']
const HONOURED_AUTOSTOP = ['idle_minutes', 'down', 'wait_for']

/** What a local VM cannot do of a sound template. */
export function localProblems(template: Template, variables: readonly string[]): Problem[] {
  const { places, numNodes, autostop } = template
  const problems = [...places].flatMap(([path, where]) => unhonoured(path, where))
  const at = (path: string) => places.get(path) ?? template.file
  if (numNodes !== 1) {
    const allowed = 'A local VM is one node: give num_nodes: 1, or leave it out'
    problems.push({ where: at('num_nodes'), what: `num_nodes is ${numNodes}`, allowed })
  }
  if (autostop && !autostop.down) {
    const allowed =
      'A local VM ends, it cannot be stopped and kept: write autostop: {idle_minutes: N, down: true}'
    problems.push({ where: at('resources.autostop'), what: 'autostop would stop the VM', allowed })
  }
  return [...problems, ...variables.flatMap(name => reserved(name, template))]
}

function unhonoured(path: string, where: string): Problem[] {
  const [first = '', second, third] = path.split('.')
  if (first === 'resources' && second === 'autostop' && third !== undefined) {
    return HONOURED_AUTOSTOP.includes(third) ? [] : [refusal(`autostop.${third}`, where, HONOURED_AUTOSTOP)]
  }
  if (first === 'resources' && second !== undefined) {
    const inside = third !== undefined
    return HONOURED_RESOURCES.includes(second) || inside ? [] : [refusal(second, where, HONOURED_RESOURCES)]
  }
  return HONOURED.includes(first) ? [] : [refusal(first, where, HONOURED)]
}

function refusal(key: string, where: string, allowed: readonly string[]): Problem {
  return {
    where,
    what: `'${key}' cannot be honoured on this machine`,
    allowed: `A local VM honours ${allowed.join(', ')}: take it out, or use a template for the cloud`,
  }
}

/** LMRUN_VM marks the processes of a VM: whoever could set it could hide from being ended. */
function reserved(name: string, { places, file }: Template): Problem[] {
  if (!/^(LMRUN|SKYPILOT)_/.test(name)) return []
  const where = places.get(`envs.${name}`) ?? places.get(`secrets.${name}`) ?? file
  return [
    {
      where,
      what: `the variable ${name}`,
      allowed: 'LMRUN_* and SKYPILOT_* are set by the fleet: take another name',
    },
  ]
}
