import { open } from 'node:fs/promises'
import { hasCode } from './folder.ts'

const BLOCK = 64 * 1024

/** The last lines of a file, read from its end: a log may be large. Null when there is no such file. */
export async function readTail(file: string, lines: number): Promise<string[] | null> {
  try {
    await using handle = await open(file, 'r')
    let at = (await handle.stat()).size
    let tail = Buffer.alloc(0)
    // One more line than asked for: the first of a block may be cut.
    while (at > 0 && count(tail) <= lines) {
      const size = Math.min(BLOCK, at)
      at -= size
      const block = Buffer.alloc(size)
      const { bytesRead } = await handle.read(block, 0, size, at)
      tail = Buffer.concat([block.subarray(0, bytesRead), tail])
    }
    if (tail.length === 0 || lines <= 0) return []
    return tail.toString('utf8').replace(/\n$/, '').split('\n').slice(-lines)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

function count(text: Buffer): number {
  let newlines = 0
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) newlines++
  return newlines
}
