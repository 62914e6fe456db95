/** The Kubernetes API for the lab's own needs, also in a machine, where nothing but Node is at hand. */
import { request } from 'node:https'

export interface Access {
  readonly server: string
  readonly ca: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly token?: string
}

/** An object of Kubernetes, as far as the lab looks at it. */
export interface KubeObject {
  readonly metadata?: {
    readonly name?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly annotations?: Record<string, string>
  }
  readonly spec?: { readonly podCIDR?: string }
  readonly status?: {
    readonly certificate?: string
    readonly conditions?: readonly { readonly type: string }[]
  }
}

export class ApiError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const QUICK_MS = 10_000

/** @throws ApiError for an answer that is not 2xx, Error without an answer */
export async function call(
  access: Access,
  method: string,
  path: string,
  body?: object,
  type = 'application/json',
): Promise<KubeObject> {
  const { server, ca, cert, key, token } = access
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const content = body === undefined ? {} : { 'content-type': type }
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, server),
      {
        method,
        ca,
        cert,
        key,
        headers: { ...authorization, ...content },
        agent: false,
        signal: AbortSignal.timeout(QUICK_MS),
      },
      response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('error', reject)
        response.on('data', (chunk: string) => {
          text += chunk
        })
        response.on('end', () => {
          const status = response.statusCode ?? 0
          if (status < 300) resolve(text.startsWith('{') ? (JSON.parse(text) as KubeObject) : {})
          else reject(new ApiError(status, `${method} ${path}: ${status} ${text.slice(0, 300)}`))
        })
      },
    )
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

export async function patch(
  access: Access,
  path: string,
  body: object,
  kind: 'merge' | 'strategic-merge' = 'merge',
): Promise<KubeObject> {
  return call(access, 'PATCH', path, body, `application/${kind}-patch+json`)
}

/** Creates the object, or changes the one that is there. */
export async function apply(access: Access, path: string, body: object): Promise<KubeObject> {
  return call(
    access,
    'PATCH',
    `${path}?fieldManager=mesh-lab&force=true`,
    body,
    'application/apply-patch+yaml',
  )
}
