import { MESH, MESH_LABEL } from '../../mesh-names.ts'
import { CALLER, entry, NODES, OWNED_BY_NODE, policy, type Rule } from './cel.ts'

/** An agent shows that it lives in the ConfigMap with its Node's name, and writes nothing else there. */
export const BEAT_RULES: readonly Rule[] = [
  {
    expression: 'object.metadata.name == variables.node',
    message: 'a node may write only the ConfigMap that has its own name',
  },
  {
    expression: `${entry('object.metadata.labels', `'${MESH_LABEL.vm}'`)} == variables.vm`,
    message: `the label ${MESH_LABEL.vm} must be the VM's own name`,
  },
  {
    expression:
      "!has(object.binaryData) && has(object.data) && object.data.all(k, k == 'beat' && object.data[k].size() <= 64)",
    message: 'it may hold one short beat',
  },
  OWNED_BY_NODE,
]

export function beatPolicy() {
  return policy({
    name: 'lmrun-own-beat',
    group: '',
    resources: ['configmaps'],
    operations: ['CREATE', 'UPDATE'],
    who: NODES,
    namespace: MESH.ownNamespace,
    variables: CALLER,
    rules: BEAT_RULES,
  })
}
