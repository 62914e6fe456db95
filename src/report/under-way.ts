import { markdownTable } from 'markdown-table'
import { howMany, isSmoke, runLink } from './digest.ts'
import { cell, clip, code, prose } from './escape.ts'
import { duration, plural } from './numbers.ts'
import type { Phase, Results } from './results.ts'

/** How far one phase of one subject is. */
export interface PhaseState {
  readonly subject: string
  readonly name: Phase['name']
  /** Null while it goes on. */
  readonly ended: { readonly ok: boolean; readonly ms: number } | null
  /** How far it is, as its own job says it. */
  readonly text: string
}

/** What a reader waits for, in its order. */
const COLUMNS = ['launch', 'load', 'answer', 'grade'] as const
/** More rows than this are no quick look. */
const ROWS = 40

/** The comment of a run that is under way: models × phases. The results take its place. */
export function renderUnderWay(draft: Results, states: readonly PhaseState[]): string {
  const { benchmark, run } = draft
  const url = runLink(draft)
  const keys = Object.keys(draft.models)
  const rows = keys
    .slice(0, ROWS)
    .map(key => [cell(clip(key, 80)), ...COLUMNS.map(name => phaseCell(key, name, states))])
  const context = [
    code(clip(benchmark.name, 300)),
    howMany(draft),
    prose(clip(run.infra, 40)),
    ...(url ? [`[the run](${url})`] : []),
  ]
  return [
    `### ${isSmoke(draft) ? 'LMRun smoke test' : 'LMRun'}: running`,
    context.join(' · '),
    markdownTable([['', ...COLUMNS], ...rows]),
    ...(keys.length > ROWS ? [`and ${plural(keys.length - ROWS, 'more model')}`] : []),
    '<sub>The results will replace this. Should it stay like this although the run is over, then its runner was lost: its VMs end themselves when their lease runs out.</sub>',
  ].join('\n\n')
}

function phaseCell(subject: string, name: Phase['name'], states: readonly PhaseState[]): string {
  const state = states.find(one => one.subject === subject && one.name === name)
  if (!state) return ''
  if (state.ended) return `${state.ended.ok ? '✓' : '✗'} ${duration(state.ended.ms)}`
  const [count] = /\d+ of \d+/.exec(state.text) ?? []
  return count ? `${count} …` : '…'
}
