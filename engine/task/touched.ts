const FEW = 8

interface Keys {
  readonly slots: number[]
  /** The event of each key that left first; -1 = none did. */
  readonly rows: number[]
  /** The slots once more, where they are many. */
  readonly set: Set<number>
}

/** Keys to be looked at when a moment is over, rule by rule, each once, in the order in which they were added. */
export class Touched {
  readonly #byRule: readonly Keys[]
  readonly #rules: number[] = []

  constructor(rules: number) {
    this.#byRule = Array.from({ length: rules }, () => ({ slots: [], rows: [], set: new Set<number>() }))
  }

  add(rule: number, slot: number, row: number): void {
    const { slots, rows, set } = this.#byRule[rule]
    const n = slots.length
    if (n === 0) this.#rules.push(rule)
    if (n < FEW) {
      for (let i = 0; i < n; i++) if (slots[i] === slot) return
    } else {
      if (n === FEW) for (const known of slots) set.add(known)
      if (set.has(slot)) return
      set.add(slot)
    }
    slots.push(slot)
    rows.push(row)
  }

  /** Numbers of the rules that have any, ascending. */
  rules(): readonly number[] {
    const rules = this.#rules
    for (let i = 1; i < rules.length; i++) {
      if (rules[i] < rules[i - 1]) return rules.sort((a, b) => a - b)
    }
    return rules
  }

  keysOf(rule: number): Omit<Keys, 'set'> {
    return this.#byRule[rule]
  }

  clear(): void {
    for (const rule of this.#rules) {
      const { slots, rows, set } = this.#byRule[rule]
      slots.length = 0
      rows.length = 0
      set.clear()
    }
    this.#rules.length = 0
  }
}
