import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { LmrunError } from '../errors.ts'
import { writeAtomically } from '../files.ts'
import { renderHtml } from './html.ts'
import { renderReport } from './markdown.ts'
import type { Results } from './results.ts'

export const REPORT_FILES = ['report.md', 'report.html', 'results.json'] as const

/**
 * Writes report.md (whole), report.html and results.json into `folder`. Each appears complete or not at all; the
 * results come first, because the other two can be made from them again.
 */
export async function writeReport(folder: string, results: Results): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
    await writeAtomically(path.join(folder, 'results.json'), `${JSON.stringify(results, null, 2)}\n`)
    await writeAtomically(path.join(folder, 'report.md'), renderReport(results, { limit: Infinity }))
    await writeAtomically(path.join(folder, 'report.html'), renderHtml(results))
  } catch (cause) {
    const hint = 'Choose another folder with --output (action: output) or make room there.'
    throw new LmrunError(`the report cannot be written to ${folder}`, { cause, hint })
  }
}
