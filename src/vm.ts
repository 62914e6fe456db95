import { closeSync, writeSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { keep } from './fleet/local/keeper.ts'
import type { VmOrder } from './fleet/local/order.ts'

/** The launcher waits for a word here, and no longer. */
const READY_FD = 3

// Entry of a local VM's keeper: `node dist/vm/index.js <name>` (the name is for whoever reads `ps`).
try {
  const order: VmOrder = JSON.parse(await text(process.stdin))
  await keep(order, ready)
  // Outputs of jobs that were left running would keep it alive.
  process.exit(0)
} catch (error) {
  console.error(error)
  process.exit(1)
}

function ready(): void {
  try {
    writeSync(READY_FD, 'ready')
    closeSync(READY_FD)
  } catch {
    // The launcher is gone: the VM lives on until its lease ends.
  }
}
