import type { z } from 'zod'
import type * as schema from './schema.ts'

/** The types of `results.json`: fields, units and meaning are in schema.ts and docs/results.md. */
export type Results = z.infer<typeof schema.resultsSchema>
export type ModelResult = z.infer<typeof schema.modelResultSchema>
export type Quantiles = z.infer<typeof schema.quantilesSchema>
export type Speed = z.infer<typeof schema.speedSchema>
/** What a server said it serves, from the `served.json` of its working folder. */
export type Served = z.infer<typeof schema.servedSchema>
/** Why a model or a run has no (valid) score. */
export type Failure = z.infer<typeof schema.failureSchema>
/** One question that got less than full marks, for the folded part of the report. */
export type FailedQuestion = z.infer<typeof schema.failedQuestionSchema>
/** A span of the run's story. Times are Unix milliseconds. */
export type Phase = z.infer<typeof schema.phaseSchema>
export type Retry = z.infer<typeof schema.retrySchema>
export type VmRecord = z.infer<typeof schema.vmRecordSchema>
