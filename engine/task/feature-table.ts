import type { Value } from '../model/expression.ts'
import type { Cell } from '../model/output.ts'
import type { Feature, Measure } from '../model/rule.ts'
import type { CodeMap } from '../state/code-map.ts'
import { KEY_CELLS, KeySpace } from '../state/key-space.ts'
import type { Memory } from '../state/memory.ts'
import type { StringTable } from '../state/string-table.ts'

/** Cell of each key for whoever has the table, 0 in a new one. */
export const OWN = KEY_CELLS
const VALUES = KEY_CELLS + 1
const NO_CODE = -1

/** A key that is there, as conditions give it. */
export type FeatureKey = Exclude<Value, null | undefined>

/** What others ask of a feature. */
export interface FeatureValues {
  reader(measure: string): (key: FeatureKey) => Value
}

/** Where a measure is kept: a number, a code, or a number of codes and the codes. */
interface Store {
  readonly cell: number
  readonly kind: 'number' | 'code' | 'codes'
  /** Most codes that there is room for. */
  readonly codesMax: number
  readonly isBoolean: boolean
}

/**
 * The measures of a feature by key, as they were published: cells of a key space, so part of what snapshots copy.
 *
 * Shape  each key has its own cell, then `sets` times the measures; conditions read the first set
 * Life   a key is there from `add` to `forget`
 */
export class FeatureTable implements FeatureValues {
  readonly feature: Feature
  readonly #strings: StringTable
  readonly #space: KeySpace
  readonly #codes: CodeMap
  readonly #stores: readonly Store[]
  readonly #sets: number
  /** Cells of one set. */
  readonly #width: number

  constructor(
    feature: Feature,
    isBoolean: (name: string) => boolean,
    { memory, strings, sets }: { memory: Memory; strings: StringTable; sets: number },
  ) {
    this.feature = feature
    this.#strings = strings
    this.#sets = sets
    let cell = VALUES
    this.#stores = feature.measures.map((measure) => {
      const store = { cell, ...storeOf(measure, isBoolean) }
      cell += measure.kind === 'top' ? 1 + (measure.k ?? 1) : 1
      return store
    })
    this.#width = cell - VALUES
    this.#space = new KeySpace(memory, 1, VALUES + sets * this.#width, strings)
    this.#codes = this.#space.keys as CodeMap
  }

  get size(): number {
    return this.#codes.size
  }

  reader(measure: string): (key: FeatureKey) => Value {
    const store = this.#stores[this.feature.measures.findIndex((m) => m.name === measure)]
    return (key) => {
      const slot = this.find(key)
      return slot < 0 ? null : this.#value(store, slot, 0)
    }
  }

  /** Slot of a key; -1 = it is not there. */
  find(key: FeatureKey): number {
    const strings = this.#strings
    const code = typeof key === 'string' ? strings.codeOfText(key) : strings.codeOfNumber(Number(key))
    if (code < 0) return -1
    this.#codes.probe[0] = code
    return this.#codes.find()
  }

  /** Slot of the key of that code, made if need be, with nothing in it; -1 where there are `keysMax` without it. */
  addCode(code: number, keysMax: number): number {
    const before = this.#codes.size
    this.#codes.probe[0] = code
    const slot = this.#space.slotOf(keysMax)
    if (this.#codes.size === before) return slot
    this.#space.retain(slot)
    const cells = this.#space.writeCells(slot)
    for (let set = 0; set < this.#sets; set++)
      for (const { cell, kind } of this.#stores)
        cells[this.#at(slot, cell, set)] = kind === 'number' ? Number.NaN : NO_CODE
    return slot
  }

  add(key: Cell, keysMax: number): number {
    const code = typeof key === 'string' ? this.#strings.internText(key) : this.#strings.internNumber(Number(key))
    const slot = this.addCode(code, keysMax)
    this.#strings.release(code)
    return slot
  }

  /** Lets go of the key and its values. */
  forget(slot: number): void {
    for (let set = 0; set < this.#sets; set++) this.setValues(slot, () => null, set)
    if (this.#space.release(slot)) this.#space.forget(slot)
  }

  slots(): number[] {
    const slots: number[] = []
    for (let slot = 0; slot < this.#codes.idsEnd; slot++)
      if (this.#space.cellsOf(slot)[this.#space.baseOf(slot)] > 0) slots.push(slot)
    return slots
  }

  codeOf(slot: number): number {
    return this.#codes.part(slot, 0)
  }

  keyOf(slot: number): Cell {
    return this.#strings.value(this.codeOf(slot))
  }

  own(slot: number): number {
    return this.#space.cellsOf(slot)[this.#space.baseOf(slot) + OWN]
  }

  setOwn(slot: number, value: number): void {
    this.#space.writeCells(slot)[this.#space.baseOf(slot) + OWN] = value
  }

  values(slot: number, set = 0): Value[] {
    return this.#stores.map((store) => this.#value(store, slot, set))
  }

  setValues(slot: number, read: (index: number) => Value, set = 0): void {
    for (let i = 0; i < this.#stores.length; i++) this.#setValue(this.#stores[i], slot, set, read(i))
  }

  #at(slot: number, cell: number, set: number): number {
    return this.#space.baseOf(slot) + cell + set * this.#width
  }

  #value({ cell, kind, isBoolean }: Store, slot: number, set: number): Value {
    const cells = this.#space.cellsOf(slot)
    const at = this.#at(slot, cell, set)
    const first = cells[at]
    if (kind === 'number') return Number.isNaN(first) ? null : first
    if (first === NO_CODE) return null
    const known = (code: number): Cell => (isBoolean ? this.#strings.value(code) !== 0 : this.#strings.value(code))
    if (kind === 'code') return known(first)
    const values: (string | number | boolean)[] = []
    for (let i = 1; i <= first; i++) values.push(known(cells[at + i]) as string)
    return values
  }

  /** New codes are taken before old ones are let go: most often they are the same. */
  #setValue({ cell, kind, codesMax }: Store, slot: number, set: number, value: Value): void {
    const cells = this.#space.writeCells(slot)
    const at = this.#at(slot, cell, set)
    if (kind === 'number') {
      cells[at] = typeof value === 'number' ? value : Number.NaN
      return
    }
    const before = kind === 'code' ? cells.slice(at, at + 1) : cells.slice(at + 1, at + 1 + Math.max(0, cells[at]))
    const list: readonly unknown[] = value === null || value === undefined ? [] : Array.isArray(value) ? value : [value]
    const codes = list
      .slice(0, codesMax)
      .map((v) => (typeof v === 'string' ? this.#strings.internText(v) : this.#strings.internNumber(Number(v))))
    if (kind === 'code') cells[at] = codes[0] ?? NO_CODE
    else {
      cells[at] = value === null || value === undefined ? NO_CODE : codes.length
      cells.set(codes, at + 1)
    }
    for (const code of before) if (code !== NO_CODE) this.#strings.release(code)
  }
}

function storeOf(measure: Measure, isBoolean: (name: string) => boolean): Omit<Store, 'cell'> {
  if (measure.kind !== 'last' && measure.kind !== 'top') return { kind: 'number', codesMax: 0, isBoolean: false }
  return {
    ...(measure.kind === 'last' ? { kind: 'code', codesMax: 1 } : { kind: 'codes', codesMax: measure.k ?? 1 }),
    isBoolean: measure.of !== null && isBoolean(measure.of),
  }
}
