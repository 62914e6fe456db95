import type { V1EndpointSlice, V1Node } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { isSettled, type SliceRequest, sliceOf } from '../../../src/node/publish/slice.ts'

const node: V1Node = {
  metadata: { name: 'qwen.0.aaaaa', uid: 'u1' },
  spec: { podCIDR: '10.42.3.0/24' },
}
const request: SliceRequest = {
  node,
  name: { vm: 'qwen', rank: 0, launch: 'aaaaa' },
  publish: { ports: [{ name: 'http', port: 8000 }], health: '/health', headless: false },
  ready: true,
}

function slice(change: Partial<SliceRequest> = {}): V1EndpointSlice {
  const made = sliceOf({ ...request, ...change })
  if (!made) throw new Error('no slice')
  return made
}

describe('a slice', () => {
  test('shows the VM’s own address under its name, and goes with its Node', () => {
    expect(slice()).toMatchInlineSnapshot(`
      {
        "addressType": "IPv4",
        "apiVersion": "discovery.k8s.io/v1",
        "endpoints": [
          {
            "addresses": [
              "10.42.3.0",
            ],
            "conditions": {
              "ready": true,
              "serving": true,
              "terminating": false,
            },
            "nodeName": "qwen.0.aaaaa",
          },
        ],
        "kind": "EndpointSlice",
        "metadata": {
          "labels": {
            "endpointslice.kubernetes.io/managed-by": "lmrun",
            "kubernetes.io/service-name": "qwen",
            "lmrun-headless": "false",
            "lmrun-vm": "qwen",
          },
          "name": "qwen.0.aaaaa",
          "namespace": "default",
          "ownerReferences": [
            {
              "apiVersion": "v1",
              "kind": "Node",
              "name": "qwen.0.aaaaa",
              "uid": "u1",
            },
          ],
        },
        "ports": [
          {
            "name": "http",
            "port": 8000,
            "protocol": "TCP",
          },
        ],
      }
    `)
  })

  test('is none before the Node has a network', () => {
    expect(sliceOf({ ...request, node: { ...node, spec: {} } })).toBeNull()
    expect(sliceOf({ ...request, node: {} })).toBeNull()
  })

  test('is settled when it says the same, whatever the API server adds', () => {
    const there = slice()
    const filled = { ...there, metadata: { ...there.metadata, resourceVersion: '9', generation: 2 } }
    expect(isSettled(filled, slice())).toBe(true)
    expect(isSettled(null, slice())).toBe(false)
  })

  test.for([
    ['readiness', { ready: false }],
    ['ports', { publish: { ...request.publish, ports: [{ name: 'http', port: 8001 }] } }],
    ['headless', { publish: { ...request.publish, headless: true } }],
    ['address', { node: { ...node, spec: { podCIDR: '10.42.4.0/24' } } }],
    ['a Node of the same name', { node: { ...node, metadata: { ...node.metadata, uid: 'u2' } } }],
  ] as const)('is not settled when it differs in %s', ([, change]) => {
    expect(isSettled(slice(change), slice())).toBe(false)
  })
})
