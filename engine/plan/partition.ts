import type { Column } from '../model/block.ts'
import { cellAt } from '../model/column.ts'
import type { Value } from '../model/expression.ts'

/**
 * Murmur3, 32 bits, of `bytes[start..end)`, as a number from 0 on. Where an event stands in an exchange depends on it: it
 * must never change.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = SEED
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)
    hash = Math.imul(rotate(hash ^ mixed(word), 13), 5) + 0xe6546b64
  }
  let tail = 0
  for (let i = end - 1; i >= at; i--) tail = (tail << 8) | bytes[i]
  if (at < end) hash ^= mixed(tail)
  hash ^= end - start
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Of a text, by its UTF-8 bytes. */
export function hashText(text: string): number {
  const bytes = Buffer.from(text)
  return hashBytes(bytes, 0, bytes.length)
}

/** Partition of a value: that of its text. No value, no key: partition 0, where the rules count it. */
export function partitionOfValue(value: Value, partitions: number): number {
  return value === null || value === undefined ? 0 : hashText(String(value)) % partitions
}

/** The same for the value in a column's row, without making a string of it where it is one. */
export function partitionOfCell(column: Column, row: number, partitions: number): number {
  if (column.kind !== 'string') return partitionOfValue(cellAt(column, row), partitions)
  if (column.nulls[row] === 1) return 0
  return hashBytes(column.bytes, column.offsets[row], column.offsets[row + 1]) % partitions
}

const SEED = 0x6c617077 // "lapw"

function mixed(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)
}

function rotate(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits))
}
