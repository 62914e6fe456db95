/** A category and a task, as a small number: what LiveBench groups scores by. */
export class Groups {
  readonly #numbers = new Map<string, Map<string, number>>()
  readonly #names: { readonly category: string; readonly task: string }[] = []

  of(category: string, task: string): number {
    const tasks = this.#numbers.get(category) ?? new Map<string, number>()
    const known = tasks.get(task)
    if (known !== undefined) return known
    const number = this.#names.push({ category, task }) - 1
    this.#numbers.set(category, tasks.set(task, number))
    return number
  }

  at(number: number): { readonly category: string; readonly task: string } {
    const name = this.#names[number]
    if (!name) throw new RangeError(`there is no group ${number}`)
    return name
  }
}

export interface Averages {
  /** 0 to 100; null when there is no score. */
  readonly average: number | null
  readonly categories: Readonly<Record<string, number>>
  readonly tasks: Readonly<Record<string, number>>
}

/**
 * LiveBench's arithmetic: a task is the mean of its questions, a category the mean of its tasks, the average the mean
 * of the categories. A task's own figure pools the questions of all categories that have a task of that name.
 * Source: LiveBench, livebench/show_livebench_result.py.
 */
export class Averager {
  readonly #byGroup = new Map<number, Mean>()

  /** Takes a score of 0 to 1. */
  add(group: number, score: number): void {
    meanOf(this.#byGroup, group).add(score * 100)
  }

  averages(groups: Groups): Averages {
    const tasks = new Map<string, Mean>()
    const categories = new Map<string, Mean>()
    const named = [...this.#byGroup].map(([number, mean]) => ({ ...groups.at(number), mean }))
    for (const { category, task, mean } of named.sort((a, b) => (a.task < b.task ? -1 : 1))) {
      meanOf(tasks, task).pool(mean)
      meanOf(categories, category).add(mean.value)
    }
    const values = sortedValues(categories)
    const overall = new Mean()
    for (const [, value] of values) overall.add(value)
    return {
      average: values.length === 0 ? null : overall.value,
      categories: Object.fromEntries(values),
      tasks: Object.fromEntries(sortedValues(tasks)),
    }
  }
}

/** A mean by compensated summation, as pandas takes it. */
class Mean {
  #count = 0
  #sum = 0
  #lost = 0

  get value(): number {
    return this.#sum / this.#count
  }

  add(value: number): void {
    this.#addSum(value)
    this.#count++
  }

  /** Takes in what another one has seen. */
  pool(other: Mean): void {
    this.#addSum(other.#sum)
    this.#count += other.#count
  }

  #addSum(value: number): void {
    const corrected = value - this.#lost
    const sum = this.#sum + corrected
    this.#lost = sum - this.#sum - corrected
    this.#sum = sum
  }
}

function meanOf<Key>(means: Map<Key, Mean>, key: Key): Mean {
  const known = means.get(key)
  if (known) return known
  const mean = new Mean()
  means.set(key, mean)
  return mean
}

function sortedValues(means: ReadonlyMap<string, Mean>): (readonly [string, number])[] {
  const values = [...means].map(([name, mean]) => [name, mean.value] as const)
  return values.sort(([a], [b]) => (a < b ? -1 : 1))
}
