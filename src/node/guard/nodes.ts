import { MESH_LABEL } from '../../mesh-names.ts'
import { CALLER, entry, NODES, policy, type Rule, type Variable } from './cel.ts'

const resources = ['nodes', 'nodes/status']
const created = "request.operation == 'CREATE'"

/** `field` is the same before and after, or in neither. */
function same(field: string): string {
  const has = (object: string) => `has(${object}.${field})`
  return `${has('object')} == ${has('oldObject')} && (!${has('object')} || object.${field} == oldObject.${field})`
}

const variables: readonly Variable[] = [
  ...CALLER,
  { name: 'labels', expression: 'has(object.metadata.labels) ? object.metadata.labels : {}' },
  {
    name: 'before',
    expression: 'oldObject != null && has(oldObject.metadata.labels) ? oldObject.metadata.labels : {}',
  },
]

/** What a kubelet may say of its own Node, beyond what NodeRestriction forbids. */
export const NODE_RULES: readonly Rule[] = [
  {
    expression: `${entry('object.metadata.labels', `'${MESH_LABEL.vm}'`)} in ['', variables.vm]`,
    message: `the label ${MESH_LABEL.vm} must be the VM's own name`,
  },
  {
    expression:
      `${created} || (variables.labels.all(k, !k.startsWith('lmrun-') || ` +
      '(k in variables.before && variables.before[k] == variables.labels[k])) && ' +
      "variables.before.all(k, !k.startsWith('lmrun-') || k in variables.labels))",
    message: 'labels that begin with lmrun- are given at the creation of a Node, and stay',
  },
  {
    // Else a Node could take another one's network, and with it the address that main writes down for it.
    expression: `${created} ? !has(object.spec.podCIDR) && !has(object.spec.podCIDRs) : ${same('spec.podCIDR')}`,
    message: 'the pod network of a Node is given by the control plane',
  },
]

/**
 * K3s gives all agents one more identity, for flannel, that may patch every Node's status: without this rule any VM
 * could call any other unready, or take its labels. What it may still change are annotations, flannel's among them.
 */
export const FLANNEL_RULES: readonly Rule[] = [
  { expression: same('metadata.labels'), message: 'flannel may not change labels of Nodes' },
  { expression: same('spec'), message: 'flannel may not change the spec of Nodes' },
  { expression: same('status.addresses'), message: 'flannel may not change addresses of Nodes' },
  {
    expression: 'variables.conditions == variables.before',
    message: 'flannel may change no condition of Nodes but NetworkUnavailable',
  },
]

function conditions(object: string): string {
  const all = `${object}.status.conditions`
  return `has(${all}) ? ${all}.filter(c, c.type != 'NetworkUnavailable').map(c, c.type + '=' + c.status) : []`
}

export function nodePolicies() {
  return [
    ...policy({
      name: 'lmrun-own-node',
      group: '',
      resources,
      operations: ['CREATE', 'UPDATE'],
      who: NODES,
      variables,
      rules: NODE_RULES,
    }),
    ...policy({
      name: 'lmrun-flannel',
      group: '',
      resources,
      operations: ['UPDATE'],
      who: "request.userInfo.username == 'system:k3s-controller'",
      variables: [
        { name: 'conditions', expression: conditions('object') },
        { name: 'before', expression: conditions('oldObject') },
      ],
      rules: FLANNEL_RULES,
    }),
  ]
}
