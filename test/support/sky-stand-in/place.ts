/** Where things are, as the installed commands find them. */
import path from 'node:path'

export interface Place {
  /** Socket of the cloud. */
  readonly cloud: string
  readonly speed: number
  /** What SkyPilot keeps: `$HOME/.sky`. */
  readonly sky: string
}

export function placeOf(env: NodeJS.ProcessEnv): Place {
  const { SKY_STAND_IN: cloud, SKY_STAND_IN_SPEED: speed, HOME: home } = env
  if (!cloud || !home) throw new Error('the stand-in is run through its installed command')
  return { cloud, speed: Number(speed), sky: path.join(home, '.sky') }
}

export function apiSocket({ sky }: Place): string {
  return path.join(sky, 'api.sock')
}

/** How the product calls ssh and rsync to a VM: SkyPilot writes this file for each. */
export function sshConfig({ sky }: Place, name: string): string {
  return path.join(sky, 'generated', 'ssh', name)
}
