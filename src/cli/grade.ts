import { availableParallelism } from 'node:os'
import { Command } from 'commander'
import { InputError, type Problem } from '../errors.ts'
import { benchNameOption, releaseOption, untilSignal } from './shared.ts'

interface Flags {
  readonly model?: string
  readonly modelDisplayName?: string
  readonly benchName?: string[]
  readonly livebenchReleaseOption?: string
  readonly questions?: string
  readonly dir?: string
  readonly parallel?: string
}

const EXAMPLES = `
Examples:
  lmrun grade --model qwen-coder
  lmrun grade --model-display-name qwen-coder --bench-name live_bench/coding live_bench/math --parallel 2

Needs no model server. Files: data/live_bench/<category>/<task>/model_judgment/ground_truth_judgment.jsonl and
grade.json (what kept model-written code apart). A call that was stopped or killed goes on where it was.
Exit code: 0 every answer has a judgment, 1 stopped, or every grader failed, 2 bad input.`

export function gradeCommand(): Command {
  return new Command('grade')
    .description('Judge a model’s answers and keep the judgments in LiveBench’s files')
    .option('--model <name>', 'name of the model (one of the two is required)')
    .option('--model-display-name <name>', 'its name in the files (default: --model)')
    .addOption(benchNameOption())
    .addOption(releaseOption())
    .option(
      '--questions <source>',
      'smoke, or a folder with live_bench/ or data/live_bench/ (default: those in --dir)',
    )
    .option('--dir <folder>', 'folder that holds data/live_bench/ (default: the current one)')
    .option('--parallel <n>', 'graders at the same time (default: one a core)')
    .addHelpText('after', EXAMPLES)
    .action(grade)
}

async function grade(flags: Flags): Promise<void> {
  const { loadQuestions } = await import('../livebench/questions.ts')
  const { checkRelease } = await import('../livebench/release.ts')
  const { checkGraded, gradeAnswers } = await import('../livebench/grade/grade.ts')
  const model = flags.modelDisplayName?.trim() || flags.model?.trim() || ''
  const parallel = Number(flags.parallel ?? availableParallelism())
  const release = flags.livebenchReleaseOption || undefined
  const problems = [
    ...flagProblems(model, parallel, flags),
    ...(release ? [checkRelease(release, '--release')] : []),
  ]
  const found = problems.filter(problem => problem !== undefined)
  if (found.length > 0) throw new InputError(found)
  const dir = flags.dir || '.'
  const benchmarks = flags.benchName?.length ? flags.benchName : ['live_bench']
  const questions = await loadQuestions(flags.questions || dir, {
    benchmarks,
    ...(release ? { release } : {}),
  })
  await untilSignal(async signal => {
    const log = (line: string) => console.log(line)
    const summary = await gradeAnswers({ dir, model, questions, parallel, signal, log })
    console.log(summarize(model, summary))
    checkGraded(summary)
  })
}

function flagProblems(model: string, parallel: number, flags: Flags): Problem[] {
  const problems: Problem[] = []
  if (model === '') {
    const allowed = 'Give the name that the answers were written under'
    problems.push({ where: '--model-display-name', what: 'missing', allowed })
  }
  if (/[/\\]/.test(model) || model.startsWith('.')) {
    const allowed = 'Give a name without slashes and a leading dot'
    problems.push({ where: '--model-display-name', what: `"${model}" cannot be a file name`, allowed })
  }
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > 1024) {
    problems.push({
      where: '--parallel',
      what: `"${flags.parallel}" is not allowed`,
      allowed: 'Give 1 to 1024',
    })
  }
  return problems
}

interface Counts {
  readonly graded: number
  readonly skipped: number
  readonly graderErrors: number
  readonly missing: number
}

function summarize(model: string, { graded, skipped, graderErrors, missing }: Counts): string {
  const parts = [`graded ${graded} answers of ${model}`]
  if (skipped > 0) parts.push(`${skipped} were graded before`)
  if (graderErrors > 0) parts.push(`${graderErrors} could not be graded`)
  if (missing > 0) parts.push(`${missing} questions have no answer`)
  return parts.join(', ')
}
