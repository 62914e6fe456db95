import path from 'node:path'
import { bench } from '../bench.ts'
import { commentResults } from '../comment-results.ts'
import { currentEnv } from '../env.ts'
import { LmrunError } from '../errors.ts'
import { loadCliInputs } from '../inputs.ts'
import { type Progress, plainProgress } from '../progress.ts'
import { renderTerminal } from '../report/terminal.ts'
import { writeReport } from '../report/write.ts'
import { isGood } from '../results.ts'
import { createRun } from '../run.ts'
import { openFleet } from '../run-fleet.ts'
import { terminalProgress } from './terminal-progress.ts'

export interface BenchFlags {
  readonly flags: Readonly<Record<string, string>>
  readonly config?: string
  readonly json: boolean
}

/** @returns the exit code */
export async function runBench({ json, ...cli }: BenchFlags): Promise<number> {
  const env = currentEnv()
  const inputs = await loadCliInputs({ ...cli, cwd: process.cwd() }, env)
  // No log of a workflow shows what a terminal does.
  const opened = await openFleet(inputs, { ...streams, env, mask: () => {} })
  const cancelled = cancelOnSignals()
  const progress = createProgress()
  const running = bench(inputs, {
    ...opened,
    run: createRun(env),
    progress,
    // The fleet's own register serves `lmrun ls` and `lmrun down`, should this process be killed.
    saveDraft: () => {},
    saveVms: () => {},
    signal: cancelled,
    label: name => `--${name}`,
  })
  const results = await running.finally(() => opened.close(cancelled))
  const folder = path.resolve(inputs.options.outputDirectory)
  await writeReport(folder, results)
  process.stdout.write(json ? `${JSON.stringify(results, null, 2)}\n` : renderTerminal(results))
  process.stderr.write(`\nReport: ${path.join(folder, 'report.html')}\n`)
  if (cancelled.aborted) return 130
  const { failure } = await commentResults(results, { ...inputs, env, signal: cancelled, ...streams })
  if (failure) throw new LmrunError(failure)
  return isGood(results) ? 0 : 1
}

/** The first signal cancels: VMs are ended, then the process. A second one does not wait for that. */
function cancelOnSignals(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        process.stderr.write(
          'lmrun: ended at once; see `lmrun ls` for what is left and end it by `lmrun down --all`\n',
        )
        process.exit(130)
      }
      process.stderr.write('\nlmrun: cancelled, ending the VMs (once more to leave them to their lease)\n')
      controller.abort(new DOMException(`cancelled by ${name}`, 'AbortError'))
    })
  }
  return controller.signal
}

/** Standard output is for results alone. */
const streams = {
  log: (line: string) => void process.stderr.write(`${line}\n`),
  warn: (text: string) => void process.stderr.write(`warning: ${text}\n`),
}

function createProgress(): Progress {
  return process.stderr.isTTY ? terminalProgress(process.stderr) : plainProgress(streams.log, streams.warn)
}
