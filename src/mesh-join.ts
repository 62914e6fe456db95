import { z } from 'zod'

/** What main tells of itself: written by main into the mesh's ConfigMap `lmrun-main`, handed on in every join file. */
export const mainSchema = z.strictObject({
  /** Name of main's VM. */
  mesh: z.string(),
  /** Address in main's private network; null when it has none that others may share. */
  privateIp: z.string().nullable(),
  publicIp: z.string().nullable(),
  /** Port of the API server. */
  port: z.number().int(),
  /** Where main is, as SkyPilot says: `aws`, `us-east-1`. */
  cloud: z.string().nullable(),
  region: z.string().nullable(),
})

export type MainInfo = z.infer<typeof mainSchema>

/**
 * What a VM needs to join a mesh: the runner writes it over ssh into the VM's `~/.lmrun/join.json` (0600); by hand it
 * comes from AWS SSM. It holds a secret, the token: never logged, never in argv.
 */
export const joinSchema = z.strictObject({
  version: z.literal(1),
  main: mainSchema,
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
