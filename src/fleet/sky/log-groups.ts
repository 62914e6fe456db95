/** Writes one line where the user reads it. */
export type Log = (line: string) => void

export interface LogGroup {
  readonly line: (text: string) => void
  readonly end: () => void
}

export interface GroupStyle {
  readonly begin: (heading: string) => string
  readonly end: string | null
}

/** Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export const ACTIONS_GROUPS: GroupStyle = { begin: heading => `::group::${heading}`, end: '::endgroup::' }
export const PLAIN_GROUPS: GroupStyle = { begin: heading => `== ${heading}`, end: null }

interface Pending {
  readonly heading: string
  readonly lines: string[]
  open: boolean
  ended: boolean
}

/**
 * Output of calls that run side by side, each in a group of its own: one is written as it comes, the others wait for
 * their turn, since groups neither nest nor mix.
 */
export class LogGroups {
  readonly #log: Log
  readonly #style: GroupStyle
  readonly #queue: Pending[] = []

  constructor(log: Log, style: GroupStyle) {
    this.#log = log
    this.#style = style
  }

  open(heading: string): LogGroup {
    const group: Pending = { heading, lines: [], open: false, ended: false }
    this.#queue.push(group)
    this.#write()
    return {
      line: text => {
        // What a program prints is no workflow command.
        group.lines.push(text.replace(/^(\s*)::/, '$1: :'))
        this.#write()
      },
      end: () => {
        group.ended = true
        this.#write()
      },
    }
  }

  #write(): void {
    for (let group = this.#queue[0]; group; group = this.#queue[0]) {
      if (!group.open) this.#log(this.#style.begin(group.heading))
      group.open = true
      for (const line of group.lines.splice(0)) this.#log(line)
      if (!group.ended) return
      if (this.#style.end !== null) this.#log(this.#style.end)
      this.#queue.shift()
    }
  }
}
