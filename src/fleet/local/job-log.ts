import { openSync, writeSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** A line that never ends is passed on in pieces of this size. */
const MAX_LINE = 64 * 1024
/** A shorter line of a secret of several lines ("}") would take too much else with it. */
const MIN_PART = 4

/** The log of a job: whole lines, secrets masked. */
export class JobLog {
  readonly #fd: number
  readonly #secrets: () => Iterable<string>

  /** @param secrets asked anew for each piece: later jobs may bring more of them */
  constructor(file: string, secrets: () => Iterable<string>) {
    this.#fd = openSync(file, 'a', 0o600)
    this.#secrets = secrets
  }

  /** One line of the VM itself. */
  say(line: string): void {
    this.#write(`lmrun: ${line}\n`)
  }

  /** Follows one output of a process to its end. */
  async follow(output: NodeJS.ReadableStream): Promise<void> {
    const decoder = new StringDecoder('utf8')
    let rest = ''
    for await (const chunk of output) {
      const text = rest + decoder.write(Buffer.from(chunk))
      const end = text.lastIndexOf('\n') + 1
      this.#write(text.slice(0, end))
      rest = text.slice(end)
      if (rest.length > MAX_LINE) rest = this.#cut(rest)
    }
    rest += decoder.end()
    if (rest) this.#write(`${rest}\n`)
  }

  /** Writes most of an endless line, but not what may be the beginning of a secret. */
  #cut(line: string): string {
    const masked = mask(line, this.#secrets())
    const longest = Math.max(0, ...[...this.#secrets()].map(secret => secret.length))
    const at = Math.max(0, masked.length - longest)
    this.#write(masked.slice(0, at))
    return masked.slice(at)
  }

  #write(text: string): void {
    if (text) writeSync(this.#fd, mask(text, this.#secrets()))
  }
}

export function mask(text: string, secrets: Iterable<string>): string {
  const parts = [...secrets].flatMap(secret => [
    secret,
    ...secret.split(/\r?\n/).filter(line => line.length >= MIN_PART),
  ])
  // The longest first: a secret may contain another one.
  return parts
    .filter(part => part !== '')
    .sort((a, b) => b.length - a.length)
    .reduce((masked, part) => masked.replaceAll(part, '***'), text)
}
