import { renderReport } from './markdown.ts'
import type { Results } from './results.ts'

/** GitHub drops a step's summary above 1 MiB; the rest is room for what others append in the same step. */
export const SUMMARY_LIMIT = 1_000_000

/** The job summary: the whole report as long as it fits. */
export function renderSummary(results: Results): string {
  return renderReport(results, { limit: SUMMARY_LIMIT })
}
