import { endCommand, survivors } from './digest.ts'
import { clip, oneLine } from './escape.ts'
import { problems } from './problems.ts'
import type { Results } from './results.ts'

/** One line on the page of the workflow run. The names of the levels are those of @actions/core. */
export interface Annotation {
  readonly level: 'error' | 'warning' | 'notice'
  readonly title: string
  readonly message: string
}

const MESSAGE = 1000

/** What somebody must look at: VMs that may still run, failures and invalid models, then warnings. */
export function annotations(results: Results): readonly Annotation[] {
  const left = survivors(results).map(vm =>
    annotation(
      'error',
      `VM may still be running: ${vm.name}`,
      `${vm.name} was not seen to be gone. End it with: ${endCommand(vm)}`,
    ),
  )
  const failed = problems(results).map(({ subject, what, reasons, cause, advice }) => {
    const title = subject === null ? 'LMRun failed' : `No valid score: ${subject}`
    const why = cause ? [`Likely cause: ${cause}`] : []
    return annotation(
      'error',
      title,
      [what, ...reasons, ...why, ...advice.map(line => `What to do: ${line}`)].map(sentence).join(' '),
    )
  })
  const stopped =
    results.run.status === 'cancelled' ? [annotation('warning', 'LMRun', 'The run was cancelled.')] : []
  const warnings = results.warnings.map(warning => annotation('warning', 'LMRun', warning))
  return [...left, ...failed, ...stopped, ...warnings]
}

function annotation(level: Annotation['level'], title: string, message: string): Annotation {
  return { level, title: clip(oneLine(title), 200), message: clip(oneLine(message), MESSAGE) }
}

const sentence = (text: string) => (/[.!?:]$/.test(text.trim()) ? text.trim() : `${text.trim()}.`)
