const ENTRIES_MIN = 64
const FIRST = Float64Array.of(0)

/** (Rule, key) pairs of one moment that the alert book is to hear of, with the row of the event that left, -1 = none. */
export class DueList {
  size = 0
  /** The first `size` of them. */
  rules = new Int32Array(ENTRIES_MIN)
  slots = new Int32Array(ENTRIES_MIN)
  rows = new Float64Array(ENTRIES_MIN)
  #order = new Float64Array(ENTRIES_MIN)

  add(rule: number, slot: number, row: number): void {
    if (this.size === this.rules.length) this.#grow()
    this.rules[this.size] = rule
    this.slots[this.size] = slot
    this.rows[this.size++] = row
  }

  has(rule: number, slot: number): boolean {
    for (let i = 0; i < this.size; i++) if (this.rules[i] === rule && this.slots[i] === slot) return true
    return false
  }

  clear(): void {
    this.size = 0
  }

  /** Places of the entries: rules in their order, those of one rule as they were added. Until the next call. */
  inOrder(): Float64Array {
    if (this.size === 1) return FIRST
    const order = this.#order.subarray(0, this.size)
    const { length } = this.rules
    for (let i = 0; i < order.length; i++) order[i] = this.rules[i] * length + i
    order.sort()
    for (let i = 0; i < order.length; i++) order[i] %= length
    return order
  }

  #grow(): void {
    const { rules, slots, rows } = this
    this.rules = new Int32Array(rules.length * 2)
    this.rules.set(rules)
    this.slots = new Int32Array(rules.length * 2)
    this.slots.set(slots)
    this.rows = new Float64Array(rules.length * 2)
    this.rows.set(rows)
    this.#order = new Float64Array(rules.length * 2)
  }
}
