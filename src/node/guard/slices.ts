import { MESH, MESH_LABEL } from '../../mesh-names.ts'
import { MANAGED_BY, MANAGER } from '../kube/managers.ts'
import { CALLER, entry, NODES, OWNED_BY_NODE, policy, type Rule, type Variable } from './cel.ts'

const labels = 'object.metadata.labels'
const variables: readonly Variable[] = [
  ...CALLER,
  { name: 'launch', expression: "variables.parts.size() == 3 ? variables.parts[2] : ''" },
  // Main writes down both: which launch has the VM's name, and the address of each Node of it.
  { name: 'bound', expression: entry('params.data', 'variables.vm') },
  { name: 'address', expression: entry('params.data', 'variables.node') },
  { name: 'target', expression: "request.operation == 'DELETE' ? oldObject : object" },
]

/** What a delete has to hold too. */
export const SLICE_IDENTITY: readonly Rule[] = [
  {
    expression: 'variables.target.metadata.name == variables.node',
    message: 'a node may touch only the EndpointSlice that has its own name',
  },
]

/** What a written slice has to hold; a delete shows no object. */
export const SLICE_CONTENT: readonly Rule[] = [
  {
    expression: "variables.launch != '' && variables.bound == variables.launch",
    message:
      'this VM name is not bound to this launch: main binds it to the first that joins, until its Nodes are gone',
  },
  {
    expression: `${entry(labels, `'${MESH_LABEL.service}'`)} == variables.vm`,
    message: 'a node may publish only the service named after its VM',
  },
  {
    expression: `${entry(labels, `'${MESH_LABEL.vm}'`)} == variables.vm`,
    message: `the label ${MESH_LABEL.vm} must be the VM's own name`,
  },
  {
    expression: `${entry(labels, `'${MANAGED_BY}'`)} == '${MANAGER.agent}'`,
    message: `the slice must be labelled as managed by ${MANAGER.agent}`,
  },
  {
    expression: "object.addressType == 'IPv4'",
    message: 'the address type must be IPv4',
  },
  {
    expression: 'object.endpoints.all(e, has(e.nodeName) && e.nodeName == variables.node)',
    message: 'a node may publish only endpoints of its own',
  },
  {
    expression: 'object.endpoints.all(e, e.addresses.all(a, a == variables.address))',
    message: 'a node may publish only its own address, the first of its pod network',
  },
  {
    expression: 'object.endpoints.all(e, !has(e.targetRef) && !has(e.hostname))',
    message: 'endpoints of a node have neither targetRef nor hostname',
  },
  {
    expression:
      'has(object.ports) && dyn(object.ports) != null && object.ports.size() > 0 && object.ports.all(p, has(p.port))',
    message: 'ports must be given: a slice without stands for all ports',
  },
  OWNED_BY_NODE,
]

/** A VM publishes its own address under its own VM's name, and nothing else. */
export function slicePolicy() {
  const content = SLICE_CONTENT.map(({ expression, message }) => ({
    expression: `request.operation == 'DELETE' || (${expression})`,
    message,
  }))
  return policy({
    name: 'lmrun-own-slice',
    group: 'discovery.k8s.io',
    resources: ['endpointslices'],
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    who: NODES,
    namespace: MESH.namespace,
    bindings: true,
    variables,
    rules: [...SLICE_IDENTITY, ...content],
  })
}
