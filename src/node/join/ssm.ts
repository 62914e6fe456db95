import { explain, InputError, LmrunError } from '../../errors.ts'
import { type Join, joinSchema } from '../../mesh-join.ts'
import { awsRegion } from '../facts.ts'
import type { System } from '../system.ts'

/** Where VMs that are launched by hand find what lets them in. */
export interface JoinStore {
  /** Null when there is none. @throws LmrunError */
  read(): Promise<Join | null>
  /** Over the one that is there. @throws LmrunError */
  write(join: Join): Promise<void>
  /** For people. */
  readonly where: string
}

/** AWS's region of the mesh, the main region: as it is said, else where this VM is itself. Null outside of AWS. */
export function storeRegion({ env }: Pick<System, 'env'>): string | null {
  return env.AWS_DEFAULT_REGION || env.AWS_REGION || awsRegion(env)
}

/** @param mesh name of main's VM @throws InputError without a region */
export async function openStore(system: System, mesh: string): Promise<JoinStore> {
  const region = storeRegion(system)
  if (region === null) {
    const allowed = 'The main region, as in .env: AWS_DEFAULT_REGION=us-east-1'
    throw new InputError([{ where: 'AWS_DEFAULT_REGION', what: 'is not set', allowed }])
  }
  return createStore(system, region, `/lmrun/${mesh}/join`)
}

/** @param name of the parameter */
async function createStore(system: System, region: string, name: string): Promise<JoinStore> {
  const { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } = await import(
    './ssm-sdk.ts'
  )
  const client = new SSMClient({ region })
  const where = `SSM ${name} in ${region}`
  const { signal } = system
  return {
    where,
    read: async () => {
      try {
        const command = new GetParameterCommand({ Name: name, WithDecryption: true })
        const { Parameter } = await client.send(command, { abortSignal: signal })
        return parse(Parameter?.Value ?? '', where)
      } catch (error) {
        if (error instanceof ParameterNotFound) return null
        throw refusal(`${where} cannot be read`, error, 'ssm:GetParameter')
      }
    },
    write: async join => {
      const Value = JSON.stringify(join)
      const command = new PutParameterCommand({ Name: name, Value, Type: 'SecureString', Overwrite: true })
      try {
        await client.send(command, { abortSignal: signal })
      } catch (error) {
        throw refusal(`${where} cannot be written`, error, 'ssm:PutParameter')
      }
    },
  }
}

function parse(value: string, where: string): Join {
  try {
    return joinSchema.parse(JSON.parse(value))
  } catch {
    // Its cause would quote a secret.
    throw new LmrunError(`${where} holds nothing of this version`, {
      hint: 'Main and this VM have to be of the same version of lmrun.',
    })
  }
}

function refusal(what: string, error: unknown, action: string): LmrunError {
  if (error instanceof LmrunError) return error
  return new LmrunError(`${what}: ${explain(error)}`, {
    cause: error,
    hint: `The VM's role, or ~/.aws on it, has to allow ${action} on /lmrun/*: docs/mesh.md`,
  })
}
