/**
 * An agent or the reaper as a process of a lab's machine, from the sources: `node mesh-node.ts JSON`. Says `ended` when
 * it was asked to end and did.
 */
import { systemClock as clock } from '../../src/clock.ts'
import { type AgentOptions, runAgent } from '../../src/node/publish/agent.ts'
import { type ReaperOptions, runReaper } from '../../src/node/reaper/reaper.ts'

type Given<T> = Omit<T, 'clock' | 'signal' | 'log'>
export type MeshNode =
  | { readonly agents: readonly Given<AgentOptions>[] }
  | { readonly reaper: Given<ReaperOptions> }

const ended = new AbortController()
process.once('SIGTERM', () => ended.abort(new Error('SIGTERM')))
const common = { clock, signal: ended.signal, log: (line: string) => console.log(line) }
const node = JSON.parse(process.argv[2] ?? '') as MeshNode
if ('reaper' in node) await runReaper({ ...node.reaper, ...common })
else await Promise.all(node.agents.map(agent => runAgent({ ...agent, ...common })))
console.log('ended')
