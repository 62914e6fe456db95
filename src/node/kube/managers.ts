/** Who wrote a field, as the API server keeps it, and whose an EndpointSlice is. */
export const MANAGER = {
  agent: 'lmrun',
  reaper: 'lmrun-reaper',
  guard: 'lmrun-guard',
} as const

export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by'
