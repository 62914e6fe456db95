import { z } from 'zod'

/**
 * What a VM needs to join a mesh: the runner writes it over ssh into the VM's `~/.lmrun/join.json` (0600); by hand it
 * comes from AWS SSM. It holds a secret, the token: never logged, never in argv.
 */
export const joinSchema = z.strictObject({
  version: z.literal(1),
  /** Name of main's VM. */
  mesh: z.string(),
  main: z.strictObject({
    /** Address in main's private network; null when it has none that others may share. */
    privateIp: z.string().nullable(),
    publicIp: z.string().nullable(),
    /** Port of the API server. */
    port: z.number().int(),
    /** Where main is, as SkyPilot says: `aws`, `us-east-1`. */
    cloud: z.string().nullable(),
    region: z.string().nullable(),
  }),
  /** K3s's secure form, `K10<sha256 of the CA, hex>::<id>.<secret>`: an agent that meets another CA does not join. */
  token: z.string().regex(/^K10[0-9a-f]{64}::[a-z0-9]{6}\.[a-z0-9]{16}$/),
  /** Unix seconds after which the token lets nobody in. */
  expiresAt: z.number().int(),
  /** Five characters for the Node's name; null: the VM makes its own. */
  launch: z.string().nullable(),
  /** For the Node: whose it is, see src/labels.ts. */
  labels: z.record(z.string(), z.string()),
})

export type Join = z.infer<typeof joinSchema>

/** What main tells of itself in `~/.lmrun/main.json` (0600). It holds an admin's credentials: it stays with the run. */
export const mainSchema = z.strictObject({
  version: z.literal(1),
  mesh: z.string(),
  main: joinSchema.shape.main,
  /** A kubeconfig (YAML) for `https://127.0.0.1:<port>`, to be used through an ssh tunnel. */
  kubeconfig: z.string(),
})

export type MainFile = z.infer<typeof mainSchema>
