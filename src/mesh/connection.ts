import { explain, LmrunError } from '../errors.ts'
import { type MainInfo, mainSchema } from '../mesh-join.ts'
import { MAIN_INFO, MESH } from '../mesh-names.ts'
import { connectKube, type Kube } from './kube.ts'

/** A mesh that is up. */
export interface MeshConnection {
  readonly kube: Kube
  readonly main: MainInfo
}

/**
 * @param kubeconfig YAML
 * @throws LmrunError when it is none, nobody answers, or what answers is no mesh
 */
export async function connectMesh(kubeconfig: string): Promise<MeshConnection> {
  const kube = await connectKube(kubeconfig).catch(cause => {
    throw new LmrunError('the kubeconfig of the mesh cannot be used', { cause })
  })
  return { kube, main: await readMain(kube) }
}

async function readMain({ core, server, statusOf }: Kube): Promise<MainInfo> {
  try {
    const { data } = await core.readNamespacedConfigMap({ namespace: MESH.ownNamespace, name: MAIN_INFO })
    return mainSchema.parse(JSON.parse(data?.main ?? ''))
  } catch (cause) {
    const status = statusOf(cause)
    if (status === 404 || status === null) {
      const what = status === 404 ? 'has no mesh' : `cannot be asked for its mesh: ${explain(cause)}`
      throw new LmrunError(`the API server at ${server} ${what}`, {
        cause,
        hint: 'Make one with `lmrun mesh up`, or `sky launch -c main main.yaml` in templates/.',
      })
    }
    throw new LmrunError(`the API server at ${server} refuses the kubeconfig of the mesh`, { cause })
  }
}
