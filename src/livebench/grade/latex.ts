/** The value of an expression, given the values of its variables. NaN where it has none (in the real numbers). */
export type Expression = (values: ReadonlyMap<string, number>) => number

export interface ParsedExpression {
  readonly value: Expression
  readonly variables: ReadonlySet<string>
}

type Token = { readonly kind: 'number' | 'name' | 'symbol'; readonly text: string }

/** Longer texts are not answers; the parser recurses, so this also bounds its depth. */
const MAX_LENGTH = 500

const functions: Readonly<Record<string, (x: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  cot: x => 1 / Math.tan(x),
  sec: x => 1 / Math.cos(x),
  csc: x => 1 / Math.sin(x),
  arcsin: Math.asin,
  arccos: Math.acos,
  arctan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  exp: Math.exp,
  ln: Math.log,
  log: Math.log,
  sqrt: Math.sqrt,
  abs: Math.abs,
}
const inverses: Readonly<Record<string, string>> = { sin: 'arcsin', cos: 'arccos', tan: 'arctan' }
const constants: Readonly<Record<string, number>> = { pi: Math.PI, e: Math.E }

/** Parses LaTeX of school mathematics; undefined for anything else (matrices, intervals, words, …). */
export function parseLatex(latex: string): ParsedExpression | undefined {
  if (latex.length > MAX_LENGTH) return undefined
  const tokens = tokenize(latex)
  if (tokens.length === 0) return undefined
  try {
    const parser = new Parser(tokens)
    const value = parser.whole()
    return { value, variables: parser.variables }
  } catch (error) {
    if (error instanceof NotAnExpression) return undefined
    throw error
  }
}

class NotAnExpression extends Error {}

function tokenize(latex: string): Token[] {
  const pattern = /(\d+\.?\d*|\.\d+)|\\([a-zA-Z]+)|([a-zA-Z])|(\S)/g
  return [...latex.matchAll(pattern)].map(([, number, command, letter, symbol]) => {
    if (number !== undefined) return { kind: 'number', text: number }
    if (command === 'cdot' || command === 'times' || command === 'ast') return { kind: 'symbol', text: '*' }
    if (command === 'div') return { kind: 'symbol', text: '/' }
    if (command !== undefined) return { kind: 'name', text: command }
    return letter !== undefined ? { kind: 'name', text: letter } : { kind: 'symbol', text: symbol ?? '' }
  })
}

/** Recursive descent: sum → product → factor (signs) → power → atom. Side by side means times. */
class Parser {
  readonly variables = new Set<string>()
  readonly #tokens: readonly Token[]
  #next = 0
  /** Inside |…|, the next bar closes. */
  #bars = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  whole(): Expression {
    const value = this.#sum()
    if (this.#next < this.#tokens.length) throw new NotAnExpression()
    return value
  }

  #sum(): Expression {
    let left = this.#product()
    for (;;) {
      const before = left
      if (this.#take('+')) {
        const right = this.#product()
        left = values => before(values) + right(values)
      } else if (this.#take('-')) {
        const right = this.#product()
        left = values => before(values) - right(values)
      } else return left
    }
  }

  #product(): Expression {
    let left = this.#signed()
    for (;;) {
      const before = left
      if (this.#take('*')) {
        const right = this.#signed()
        left = values => before(values) * right(values)
      } else if (this.#take('/')) {
        const right = this.#signed()
        left = values => before(values) / right(values)
      } else if (this.#startsFactor()) {
        const right = this.#power()
        left = values => before(values) * right(values)
      } else return left
    }
  }

  #signed(): Expression {
    if (this.#take('-')) {
      const value = this.#signed()
      return values => -value(values)
    }
    return this.#take('+') ? this.#signed() : this.#power()
  }

  #power(): Expression {
    const base = this.#atom()
    if (!this.#take('^')) return base
    const exponent = this.#argument()
    return values => power(base(values), exponent(values))
  }

  #atom(): Expression {
    const token = this.#tokens[this.#next++]
    if (token?.kind === 'number') return () => Number(token.text)
    if (token?.kind === 'name') return this.#named(token.text)
    if (token?.text === '(') return this.#closed(')')
    if (token?.text === '{') return this.#closed('}')
    if (token?.text === '[') return this.#closed(']')
    if (token?.text === '|') return this.#absolute()
    throw new NotAnExpression()
  }

  #absolute(): Expression {
    this.#bars++
    const value = this.#closed('|')
    this.#bars--
    return values => Math.abs(value(values))
  }

  #named(name: string): Expression {
    if (name === 'frac') {
      const [above, below] = [this.#argument(), this.#argument()]
      return values => above(values) / below(values)
    }
    if (name === 'sqrt' && this.#take('[')) {
      const [degree, of] = [this.#closed(']'), this.#argument()]
      return values => power(of(values), 1 / degree(values))
    }
    if (Object.hasOwn(functions, name)) return this.#function(name)
    const constant = Object.hasOwn(constants, name) ? constants[name] : undefined
    if (constant !== undefined) return () => constant
    if (name.length > 1 && !/^(alpha|beta|gamma|theta|phi|lambda|mu|omega)$/.test(name))
      throw new NotAnExpression()
    this.variables.add(name)
    return values => values.get(name) ?? Number.NaN
  }

  /** `\sin x`, `\sin^2(x)`, `\sin^{-1}{x}`, `\log_2 8`, `\sqrt{x}`. */
  #function(name: string): Expression {
    const base = name === 'log' && this.#take('_') ? this.#argument() : undefined
    const exponent = this.#take('^') ? this.#argument() : undefined
    const of = this.#operand(name)
    const inverse = exponent !== undefined && exponent(new Map()) === -1 ? inverses[name] : undefined
    const apply = functions[inverse ?? name] ?? (() => Number.NaN)
    return values => {
      const value = base ? Math.log(of(values)) / Math.log(base(values)) : apply(of(values))
      return exponent === undefined || inverse ? value : power(value, exponent(values))
    }
  }

  /** Without brackets a function takes the product of numbers and variables that follows: `\sin 2x`. */
  #operand(name: string): Expression {
    const token = this.#tokens[this.#next]
    if (name === 'sqrt' || token?.kind === 'symbol') return this.#argument()
    let product = this.#power()
    while (this.#startsPlainFactor()) {
      const [left, right] = [product, this.#power()]
      product = values => left(values) * right(values)
    }
    return product
  }

  /** One token or one group: what `^`, `_`, `\frac` and `\sqrt` take. */
  #argument(): Expression {
    if (this.#take('-')) {
      const value = this.#argument()
      return values => -value(values)
    }
    return this.#atom()
  }

  #closed(close: string): Expression {
    const value = this.#sum()
    if (!this.#take(close)) throw new NotAnExpression()
    return value
  }

  #startsFactor(): boolean {
    const token = this.#tokens[this.#next]
    if (token === undefined) return false
    if (token.kind !== 'symbol') return true
    return '({['.includes(token.text) || (token.text === '|' && this.#bars === 0)
  }

  #startsPlainFactor(): boolean {
    const token = this.#tokens[this.#next]
    return token?.kind === 'number' || (token?.kind === 'name' && !Object.hasOwn(functions, token.text))
  }

  #take(symbol: string): boolean {
    const token = this.#tokens[this.#next]
    const taken = token?.kind === 'symbol' && token.text === symbol
    if (taken) this.#next++
    return taken
  }
}

/** Real powers; odd roots of negative numbers are the real ones. */
function power(base: number, exponent: number): number {
  const value = base ** exponent
  const root = Math.round(1 / exponent)
  const isOddRoot = base < 0 && root % 2 !== 0 && Math.abs(exponent * root - 1) < 1e-12
  return Number.isNaN(value) && isOddRoot ? -((-base) ** exponent) : value
}
