/** Heavy (Azure's storage client): reached only through `await import('./artifact-client.ts')`. */
export { DefaultArtifactClient } from '@actions/artifact'
