/** One number that only rises; the hot path holds the object and adds to `value`. */
export interface Counter {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  value: number
}

/**
 * Counters by name and labels, for code that may not know of Prometheus. `counter` looks one up or makes it: call it
 * before the first event, not for each. Names are snake_case without prefix, ending in `_total`.
 */
export class Counters {
  readonly #byKey = new Map<string, Counter>()

  counter(name: string, labels: Readonly<Record<string, string>> = {}): Counter {
    const key = `${name} ${JSON.stringify(labels)}`
    let found = this.#byKey.get(key)
    if (!found) {
      found = { name, labels, value: 0 }
      this.#byKey.set(key, found)
    }
    return found
  }

  all(): IterableIterator<Counter> {
    return this.#byKey.values()
  }

  /** Does something that is not to be counted. */
  keep(work: () => void): void {
    const before = new Map([...this.all()].map((counter) => [counter, counter.value]))
    work()
    for (const counter of this.all()) counter.value = before.get(counter) ?? 0
  }

  /** Sum over all labels of `name`. */
  total(name: string): number {
    let sum = 0
    for (const c of this.#byKey.values()) if (c.name === name) sum += c.value
    return sum
  }
}
