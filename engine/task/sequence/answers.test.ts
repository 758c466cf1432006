import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Memory } from '../../state/memory.ts'
import { Answers } from './answers.ts'

test('moments are covered as a list of all answers says, until there are more than 16 spans', () => {
  const gap = fc.nat({ max: 30 })
  fc.assert(
    fc.property(fc.array(gap, { maxLength: 16 }), fc.nat({ max: 8 }), (ends, withinMs) => {
      const answers = new Answers(new Memory())
      let head = -1
      for (const endMs of ends) {
        head = answers.add(head, { startMs: endMs - withinMs, endMs, goneMs: -100 }, () => expect.fail('joined'))
      }
      for (let t = -10; t < 40; t++) {
        expect(answers.covers(head, t)).toBe(ends.some((b) => b - withinMs <= t && t <= b))
      }
      expect(answers.all(answers.load(answers.all(head)))).toEqual(answers.all(head))
    }),
  )
})

test('with a 17th span the oldest two become one, whichever came last; what is gone makes room', () => {
  const answers = new Answers(new Memory())
  const joined: number[] = []
  const add = (head: number, at: number, goneMs = -1) =>
    answers.add(head, { startMs: at, endMs: at, goneMs }, () => joined.push(at))
  const sixteen = Array.from({ length: 16 }, (_, i) => 10 * (i + 1)).reduce((head, at) => add(head, at), -1)
  expect(answers.all(add(sixteen, 5)).slice(0, 2)).toEqual([
    [5, 10],
    [20, 20],
  ])
  const newer = add(sixteen, 170)
  expect([answers.all(newer)[0], answers.all(newer).length, joined]).toEqual([[5, 20], 16, [5, 170]])
  expect([answers.all(add(newer, 180, 30))[0], joined.length]).toEqual([[40, 40], 2])
})
