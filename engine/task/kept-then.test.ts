import { describe, expect, test } from 'vitest'
import type { LogRecord } from '../model/block.ts'
import { featuresAt, listChanges, withChanges } from './kept-then.ts'

describe('what commits kept, as it was', () => {
  test('changes of lists become records, in the order of their positions', () => {
    const kept = new Map([
      ['task', '{}'],
      ['list/watched', '{"topic":"t","offset":9}'],
      ['list/watched/"S1/2"', '[[7,1000,null],[12,5000,-1]]'],
      ['list/numbers/5', '[[3,null,4000],[9,2000,2500]]'],
    ])
    const shown = listChanges(kept).map(({ position, entry }) => [position, entry.kind === 'list' && entry])
    const of = (list: string, add: unknown[], remove: unknown[], ttlMs: number | null, atMs: number) =>
      ({ kind: 'list', list, add, remove, ttlMs, atMs }) // biome-ignore format: one line
    expect(shown).toEqual([
      [3, of('numbers', [5], [], 4_000, 0)],
      [7, of('watched', ['S1/2'], [], null, 1_000)],
      [9, of('numbers', [5], [], 500, 2_000)],
      [12, of('watched', [], ['S1/2'], null, 5_000)],
    ])
  })

  // epoch            3    4    5    6    7
  // I1 changed then       4    5    6          kept: [6, c, b, a], a at the end of epoch 4
  // I2 changed       3                         kept: [3, v, null, null]
  test('values of features at the end of an epoch, as far as commits go back', () => {
    const kept = new Map([
      ['feature/market.1', '[6,40,30,20]'],
      ['feature/market.1/"I1"', '[6,["c"],["b"],["a"]]'],
      ['feature/market.1/"I2"', '[3,["v"],null,null]'],
      ['list/feature/1', '[]'],
    ])
    const at = (epoch: number) =>
      [...featuresAt(kept, epoch)].map(([key, value]) => [key.split('/')[2], JSON.parse(value)[1]])
    expect(at(7)).toEqual([['"I1"', ['c']], ['"I2"', ['v']]]) // biome-ignore format: one line
    expect(at(6)).toEqual([['"I1"', ['c']], ['"I2"', ['v']]]) // biome-ignore format: one line
    expect(at(5)).toEqual([['"I1"', ['b']], ['"I2"', ['v']]]) // biome-ignore format: one line
    expect(at(4)).toEqual([['"I1"', ['a']], ['"I2"', ['v']]]) // biome-ignore format: one line
    expect(at(3)).toEqual([['"I2"', ['v']]])
    expect(at(2)).toEqual([])
  })

  test('a change comes right behind the record that made it', async () => {
    const record = (position: number): LogRecord => ({ position, entry: { kind: 'rules', files: [] } })
    async function* batches() {
      yield [record(5), record(6)]
      yield [record(8)]
    }
    const seen: LogRecord[] = []
    const changes = [2, 4, 5, 6, 6, 8].map(record)
    for await (const one of withChanges(batches(), changes)) seen.push(one)
    expect(seen.map(({ position }) => position)).toEqual([2, 4, 5, 5, 6, 6, 6, 8])
  })
})
