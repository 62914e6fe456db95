/**
 * What each ring catches, over many seeded schedules of a run's death: the action's real main and post step, the fleet
 * and the sweeper's decision, on virtual time. Prints Markdown for docs/teardown.md.
 * Usage: node bench/chaos.ts [schedules]
 */
import { liveAll, seedsFrom } from '../test/chaos/many.ts'
import { orphanSecondsOfCancelled, ringTable } from '../test/chaos/table.ts'

const count = Number(process.argv[2] ?? 1000)
const { lives, failures } = await liveAll(seedsFrom(0, count))
const cancelled = orphanSecondsOfCancelled(lives)

console.log(`${count} schedules, ${failures.length} in which something went wrong.\n`)
for (const { seed, wrong } of failures) console.log(`CHAOS_SEED=${seed}: ${wrong.join('; ')}`)
console.log(ringTable(lives))
console.log(`
Seconds of all VMs after a cancel, for each of ${cancelled.runs} cancelled runs: p50 ${cancelled.p50.toFixed(0)}, p95 ${cancelled.p95.toFixed(0)}, longest ${cancelled.max.toFixed(0)}.

In the field: of 44 cancelled runs 9 left a VM for certain and 37 of 37 stop jobs failed
([fvdb-core#768](https://github.com/openvdb/fvdb-core/issues/768)); one orphan was paid for 38 days, 3,283,200 seconds
([runs-on#459](https://github.com/runs-on/runs-on/issues/459)).`)
if (failures.length > 0) process.exitCode = 1
