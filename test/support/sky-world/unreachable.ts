/** The VM has not answered for long. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'

  constructor(vm: string) {
    super(`${vm} does not answer`)
  }
}
