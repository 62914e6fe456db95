import { BINDINGS, MESH } from '../../mesh-names.ts'

/** Pieces of ValidatingAdmissionPolicies: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/ */
export interface Rule {
  readonly expression: string
  /** Shown to whoever is refused, after the policy's name. */
  readonly message: string
}

export interface Variable {
  readonly name: string
  readonly expression: string
}

export interface PolicyOptions {
  readonly name: string
  readonly group: string
  readonly resources: readonly string[]
  readonly operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[]
  /** CEL: whose requests it judges; others pass. */
  readonly who: string
  readonly variables: readonly Variable[]
  readonly rules: readonly Rule[]
  /** Only in this namespace. */
  readonly namespace?: string
  /** `params` is main's ConfigMap of bindings; without one, nothing is let through. */
  readonly bindings?: true
}

/** Any kubelet, and so any agent: its username ends with its Node's name. */
export const NODES = "request.userInfo.username.startsWith('system:node:')"

/** Who asks, read from the Node's name: `<vm>.<rank>.<launch>`. */
export const CALLER: readonly Variable[] = [
  { name: 'node', expression: "request.userInfo.username.replace('system:node:', '')" },
  { name: 'parts', expression: "variables.node.split('.')" },
  { name: 'vm', expression: 'variables.parts[0]' },
]

/** `has()` knows fields alone, so a key of a map that may be missing is asked for like this. */
export function entry(map: string, key: string): string {
  return `(has(${map}) && ${key} in ${map} ? ${map}[${key}] : '')`
}

/** So that it goes with its Node. Its uid cannot be checked here; with a wrong one it is collected at once. */
export const OWNED_BY_NODE: Rule = {
  expression:
    'has(object.metadata.ownerReferences) && object.metadata.ownerReferences.size() == 1 && ' +
    "object.metadata.ownerReferences.all(o, o.apiVersion == 'v1' && o.kind == 'Node' && o.name == variables.node)",
  message: 'it must be owned by the Node of whoever writes it, and by nothing else',
}

const API = 'admissionregistration.k8s.io/v1'

/** A policy and the binding that puts it in force. */
export function policy(options: PolicyOptions) {
  const { name, group, resources, operations, who, variables, rules, namespace, bindings } = options
  const matched = {
    apiGroups: [group],
    apiVersions: ['v1'],
    resources: [...resources],
    operations: [...operations],
  }
  const only = namespace && {
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  }
  const params = { name: BINDINGS, namespace: MESH.ownNamespace, parameterNotFoundAction: 'Deny' }
  return [
    {
      apiVersion: API,
      kind: 'ValidatingAdmissionPolicy',
      metadata: { name },
      spec: {
        failurePolicy: 'Fail',
        ...(bindings && { paramKind: { apiVersion: 'v1', kind: 'ConfigMap' } }),
        matchConstraints: { resourceRules: [matched], ...only },
        matchConditions: [{ name: 'who', expression: who }],
        variables: [...variables],
        validations: [...rules],
      },
    },
    {
      apiVersion: API,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name },
      spec: { policyName: name, validationActions: ['Deny'], ...(bindings && { paramRef: params }) },
    },
  ]
}
