import { expect, test } from 'vitest'
import { inParts } from './parts.ts'

test('messages go out in parts, in order, each message once', () => {
  const of = (topic: string, sizes: readonly number[]) => ({
    topic,
    messages: sizes.map((size, i) => ({ key: `${i}`, value: 'x'.repeat(size) })),
  })
  const shown = (sizes: Record<string, number[]>) =>
    inParts(
      Object.entries(sizes).map(([topic, list]) => of(topic, list)),
      512 << 10,
    ).map((part) => part.map(({ topic, messages }) => `${topic} ${messages.map(({ key }) => key).join()}`))
  expect(shown({})).toEqual([])
  expect(shown({ a: [1, 2], b: [3] })).toEqual([['a 0,1', 'b 0']])
  const half = 256 << 10
  expect(shown({ a: [half, half, 1], b: [half, 3 * half, 1, 1] })).toEqual([
    ['a 0'],
    ['a 1,2'],
    ['b 0'],
    ['b 1'],
    ['b 2,3'],
  ])
  const many = inParts([of('a', Array(100_000).fill(50))], 512 << 10)
  expect(many.flatMap((part) => part[0].messages)).toHaveLength(100_000)
  expect(many.length).toBeLessThan(13)
})
