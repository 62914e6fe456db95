import type { PlannedFile } from './types.ts'

/** What would be written, without its secrets. */
export function dryRunText(title: string, files: readonly PlannedFile[]): string {
  const shown = files.map(
    ({ path, mode, content }) =>
      `--- ${path} (${mode.toString(8).padStart(4, '0')})\n${masked(content).trimEnd()}`,
  )
  return [title, ...shown].join('\n')
}

/** A token's id and its CA's hash are no secret. */
function masked(content: string): string {
  return content.replace(/\b([a-z0-9]{6})\.[a-z0-9]{16}\b/g, '$1.***')
}
