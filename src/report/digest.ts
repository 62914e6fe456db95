import { totalCost } from './costs.ts'
import { clip, oneLine } from './escape.ts'
import { duration, percent, plural, score } from './numbers.ts'
import type { FailedQuestion, Failure, ModelResult, Results, VmRecord } from './results.ts'

/**
 * What a report says, decided once for Markdown, HTML, terminal and annotations.
 * A piece of text is a sentence or code; whoever shows it escapes it (text.ts).
 */
export type Piece = string | { readonly code: string }
export type Text = readonly Piece[]

/** How one model came out. `invalid`: its numbers must not be shown. */
export type Standing =
  | { readonly kind: 'scored'; readonly average: number }
  | { readonly kind: 'invalid'; readonly why: string }
  | { readonly kind: 'unfinished' }

const code = (text: string): Piece => ({ code: text })
const HEADLINE_MODELS = 4
const HEADLINE_WHY = 90

export function isSmoke({ benchmark }: Results): boolean {
  return benchmark.questions === 'smoke'
}

/** Only the hub knows until the client has asked it. */
export function howMany({ benchmark }: Results): string {
  return benchmark.questionCount > 0 ? plural(benchmark.questionCount, 'question') : 'questions of the hub'
}

/** The failure of a model that the run's end kept from its score, through no fault of its own. */
export const NOT_FINISHED: Failure = { what: 'not finished: the run was ended before' }

export function standing(model: ModelResult, results: Results): Standing {
  const { scores, failure } = model
  if (failure?.what === NOT_FINISHED.what) return { kind: 'unfinished' }
  if (failure) return { kind: 'invalid', why: oneLine(failure.what) }
  if (!scores) {
    return results.run.status === 'completed' ? { kind: 'invalid', why: 'no scores' } : { kind: 'unfinished' }
  }
  if (scores.valid && scores.average !== null) return { kind: 'scored', average: scores.average }
  return { kind: 'invalid', why: shortReason(model) }
}

function shortReason({ scores }: ModelResult): string {
  if (!scores) return 'no scores'
  const { missing, graderErrors, errors } = scores.questions
  const parts = [
    missing && `${missing} missing`,
    graderErrors && plural(graderErrors, 'grader error'),
    errors && plural(errors, 'error'),
  ].filter(part => typeof part === 'string')
  return parts.join(', ') || oneLine(scores.reasons[0] ?? 'nothing was scored')
}

/** The line that a reader gets in five seconds. */
export function headline(results: Results): Text {
  const { status } = results.run
  const name = isSmoke(results) ? 'LMRun smoke test' : 'LMRun'
  if (status === 'completed' || isPartial(results)) return [`${name}: `, ...modelsLine(results)]
  if (status === 'failed') return [`${name} failed: `, clip(firstFailure(results), 200)]
  const took = duration(results.run.endedAt - results.run.startedAt)
  const anyDone = entries(results).some(([, model]) => standing(model, results).kind !== 'unfinished')
  return [`${name} cancelled after ${took}`, ...(anyDone ? [': ', ...modelsLine(results)] : [])]
}

/** Some models failed and said so, others have their score: then the models are the news, not the run. */
function isPartial(results: Results): boolean {
  const kinds = new Set(entries(results).map(([, model]) => standing(model, results).kind))
  return results.run.status === 'failed' && !results.failure && kinds.has('scored') && kinds.has('invalid')
}

function firstFailure(results: Results): string {
  if (results.failure) return oneLine(results.failure.what)
  const failed = entries(results).find(([, model]) => model.failure)
  return failed
    ? `\`${oneLine(failed[0])}\`: ${oneLine(failed[1].failure?.what ?? '')}`
    : 'no reason was recorded'
}

function modelsLine(results: Results): Text {
  const all = entries(results).map(([key, model]) => ({ key, standing: standing(model, results) }))
  if (all.length === 0) return ['no model was measured']
  if (all.length > HEADLINE_MODELS) return manyModels(all)
  return all.flatMap(({ key, standing: its }, index) => [
    ...(index > 0 ? [' · '] : []),
    code(clip(key, 80)),
    ` ${standingWords(its, all.length)}`,
  ])
}

function manyModels(all: readonly { readonly key: string; readonly standing: Standing }[]): Text {
  const scored = all.flatMap(({ key, standing: its }) =>
    its.kind === 'scored' ? [{ key, average: its.average }] : [],
  )
  const best = scored.toSorted((a, b) => b.average - a.average)[0]
  const invalid = all.filter(({ standing: its }) => its.kind === 'invalid').length
  const unfinished = all.length - scored.length - invalid
  return [
    `${all.length} models`,
    ...(best ? [', best ', code(clip(best.key, 80)), ` ${score(best.average)}`] : []),
    invalid > 0 ? `, ${invalid} INVALID` : '',
    unfinished > 0 ? `, ${unfinished} not finished` : '',
  ]
}

function standingWords(its: Standing, models: number): string {
  if (its.kind === 'scored') return score(its.average)
  if (its.kind === 'unfinished') return 'not finished'
  return `INVALID (${clip(its.why, models === 1 ? HEADLINE_WHY : HEADLINE_WHY / 2)})`
}

/** One line under the headline: what was asked, of which commit, how long, where, and what became of the VMs. */
export function context(results: Results): readonly Text[] {
  const { run, benchmark } = results
  const parts: Text[] = [[code(benchmark.name)], [howMany(results)]]
  if (benchmark.release !== null) parts.push(['release ', releaseText(benchmark.release)])
  if (run.sha) parts.push(['commit ', code(run.sha.slice(0, 7))])
  parts.push([duration(run.endedAt - run.startedAt)], [run.infra])
  const cost = totalCost(results)
  if (cost !== null) parts.push([cost])
  parts.push([vmsLine(results)])
  return parts
}

const releaseText = (release: string): Piece =>
  /^\d{4}-\d{2}-\d{2}$/.test(release) ? release : code(release)

export function survivors({ vms }: Results): readonly VmRecord[] {
  return vms.filter(vm => vm.goneAt === null && !vm.kept)
}

function vmsLine(results: Results): string {
  const total = results.vms.length
  const left = survivors(results).length
  if (total === 0) return 'no VM was launched'
  if (left > 0) return `${left} of ${plural(total, 'VM')} not seen to be gone`
  const kept = results.vms.filter(vm => vm.kept).length
  if (kept > 0) return `${kept} of ${plural(total, 'VM')} kept, the others gone`
  if (total === 1) return 'its VM is gone'
  return total === 2 ? 'both VMs gone' : `all ${total} VMs gone`
}

/** The command that ends a VM: the recorded one, else ours. */
export function endCommand(vm: VmRecord): string {
  return oneLine(vm.command ?? '') || `lmrun down ${vm.name}`
}

/** What must be known to read the numbers at all. */
export function notes(results: Results): readonly Text[] {
  const all: Text[] = []
  if (isSmoke(results)) {
    all.push([
      'Smoke test: these scores only show that the pipeline works. They say nothing about how good a model is.',
    ])
  }
  for (const { stand, asked } of standIns(results)) {
    const list = asked.flatMap((model, index) => [
      ...(index > 0 ? [index === asked.length - 1 ? ' and ' : ', '] : []),
      code(model),
    ])
    all.push(['A small model answered: ', code(stand), ' stands in for ', ...list, '.'])
  }
  return all
}

function standIns(
  results: Results,
): readonly { readonly stand: string; readonly asked: readonly string[] }[] {
  const byStand = new Map<string, Set<string>>()
  for (const [, { model, served }] of entries(results)) {
    if (!served?.standIn) continue
    byStand.set(served.model, (byStand.get(served.model) ?? new Set()).add(model))
  }
  return [...byStand].map(([stand, asked]) => ({ stand, asked: [...asked] }))
}

/** Model keys with their results, in the order of the inputs. */
export function entries(results: Results): readonly (readonly [string, ModelResult])[] {
  return Object.entries(results.models)
}

/** The page of the run, when it is an address that can be linked without harm. */
export function runLink({ run }: Results): string | null {
  if (!run.url || !/^https?:\/\/[\w.:/-]+$/.test(run.url)) return null
  return run.url
}

const KINDS: Readonly<Record<FailedQuestion['kind'], string>> = {
  wrong: 'wrong',
  error: 'the answer failed',
  graderError: 'the grader failed',
  missing: 'missing',
}

/** `wrong, 33 %`: how a question came out. */
export function outcome({ kind, score }: FailedQuestion): string {
  return kind === 'wrong' && score !== null && score > 0 ? `partly right, ${percent(score)}` : KINDS[kind]
}
