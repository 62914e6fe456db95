/** The release whose commands, output and behaviour the fleet knows: others may differ in any of them. */
export const SKY_VERSION = '0.14.1'

/** Any patch release of it will do. */
export function isUsableSky(version: string): boolean {
  return /^0\.14\.\d+([.+-]\w+)*$/.test(version)
}

/** Clouds whose infra name is not that of pip's extra. All others: `aws` → `skypilot[aws]`. */
const OTHER_EXTRAS: Readonly<Record<string, string>> = { k8s: 'kubernetes' }

/**
 * What pip calls the parts of SkyPilot that the infra needs, sorted. An extra also brings what the API server needs.
 * Source: `extras_require` in sky/setup_files/dependencies.py of SkyPilot 0.14.1.
 */
export function skyExtras(infra: readonly string[]): readonly string[] {
  const clouds = infra.map(place => place.toLowerCase().split('/')[0] ?? '').filter(Boolean)
  const extras = new Set(clouds.map(cloud => OTHER_EXTRAS[cloud] ?? cloud))
  return extras.size === 0 ? ['server'] : [...extras].sort()
}

/** `skypilot[aws,gcp]==0.14.1` */
export function skyRequirement(extras: readonly string[]): string {
  return `skypilot${extras.length === 0 ? '' : `[${extras.join(',')}]`}==${SKY_VERSION}`
}

/**
 * What must be installed before SkyPilot, with pre-releases allowed: azure-cli depends on some, and uv refuses them
 * unless they are asked for. Source: SkyPilot's installation guide, and AZURE_CLI in its dependencies.
 */
export function prereleasesFirst(extras: readonly string[]): readonly string[] {
  return extras.includes('azure') ? ['azure-cli>=2.65.0,<2.87.0'] : []
}
