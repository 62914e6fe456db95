import { stripVTControlCharacters } from 'node:util'
import type { FailureKind } from '../failures.ts'

interface Rule {
  readonly kind: FailureKind
  readonly pattern: RegExp
}

/**
 * What SkyPilot 0.14.1 and the clouds below it print when a launch fails. The first rule that fits counts.
 * Where several places were tried, one that was only full is worth another try, whatever the others said: so what
 * names a lack of capacity stands first, and SkyPilot's own summary, which follows any reason, last.
 */
const RULES: readonly Rule[] = [
  {
    kind: 'capacity',
    pattern:
      /InsufficientInstanceCapacity|InsufficientHostCapacity|InsufficientReservedInstanceCapacity|SpotMaxPriceTooLow|ZONE_RESOURCE_POOL_EXHAUSTED|stockout|does not have enough resources available|no more capacity in the zone|SkuNotAvailable|AllocationFailed|OverconstrainedAllocationRequest|insufficient-capacity|Not enough capacity|no longer any instances available|Out of (host )?capacity|Insufficient (nvidia\.com\/gpu|cpu|memory)\b|Insufficient [\w.-]*gpu|Requested nodes are busy|lack of resources|no instances available|RESOURCES_SOLD_OUT/i,
  },
  { kind: 'preemption', pattern: /\bpreempted\b|Server\.SpotInstanceTermination|was reclaimed/i },
  { kind: 'budget', pattern: /Max hourly cost limit .* may be too restrictive/i },
  {
    kind: 'quota',
    pattern:
      /Found no quota for|VcpuLimitExceeded|MaxSpotInstanceCountExceeded|InstanceLimitExceeded|VolumeLimitExceeded|AddressLimitExceeded|\bQUOTA_EXCEEDED\b|quotaExceeded|GPUS_ALL_REGIONS|QuotaExceeded|exceeded quota|OperationNotAllowed.*quota|quota limit|spend limit|Quota '[A-Z0-9_]+' exceeded/i,
  },
  {
    kind: 'authentication',
    pattern:
      /InvalidCloudCredentials|invalid cloud credentials|which (is|are) not enabled|Cloud access is not set up|No cloud access|NoCloudAccessError|CloudUserIdentityError|ClusterOwnerIdentityMismatch|AuthFailure|UnauthorizedOperation|ExpiredToken|RequestExpired|InvalidClientTokenId|SignatureDoesNotMatch|NoCredentialsError|Unable to locate credentials|DefaultCredentialsError|RefreshError|invalid_grant|PERMISSION_DENIED|Authentication required for SkyPilot|ApiServerAuthenticationError|AuthorizationFailed|Permission denied \(publickey|credentials (have|has|are) expired|\b401\b.*Unauthorized|\b403\b.*Forbidden|PermissionDeniedError/i,
  },
  {
    kind: 'network',
    pattern:
      /ConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|Failed to resolve|Temporary failure in name resolution|Could not connect to SkyPilot API server|ServerTemporarilyUnavailable|Connection (refused|reset|timed out|aborted)|Network is unreachable|No route to host|Failed to SSH|SSH connection timed out|kex_exchange_identification|KubeAPIUnreachable|Remote end closed connection|RemoteDisconnected|Max retries exceeded|RequestLimitExceeded|Throttling|rateLimitExceeded|ServiceUnavailable|\b50[234]\b.*(Bad Gateway|Service Unavailable|Gateway Time-?out)|Broken pipe/i,
  },
  {
    kind: 'flag',
    pattern:
      /No resource satisfying|^Error: (No such option|Invalid value|Missing option|Got unexpected)|no such option|Invalid (task )?YAML|InvalidSkyPilotConfigError|UserRequestRejectedByPolicy|ResourcesMismatchError|ProvisionUnsupportedError|NotSupportedError|Did you mean|not found in catalog|Invalid (accelerator|instance type|region|zone|image|cluster name|label|infra)|does not exist on (any|cloud)|InvalidClusterNameError|Additional properties are not allowed|invalid cloud config|InvalidCloudConfigs|Environment variables? .* (is|are) None|Secret .* (is|are) None/im,
  },
  { kind: 'memory', pattern: /\bMemoryError\b|Cannot allocate memory|\bOOMKilled\b|Out of memory/i },
  {
    kind: 'setup',
    pattern: /setup failed with return code|Failed to setup with return code|FAILED_SETUP|ClusterSetUpError/i,
  },
  {
    kind: 'capacity',
    pattern:
      /Failed to acquire resources|Failed to provision all possible launchable resources|ResourcesUnavailableError/i,
  },
]

/** Why a launch failed, from all that it printed. */
export function failureClass(output: string): FailureKind {
  const said = stripVTControlCharacters(output)
  return RULES.find(({ pattern }) => pattern.test(said))?.kind ?? 'unknown'
}
