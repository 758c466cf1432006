import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Agenda } from './agenda.ts'

test('agrees with a sorted list, equal times in the order in which they were added', () => {
  const commands = fc.array(fc.oneof(fc.nat({ max: 9 }), fc.constant('take' as const)))
  fc.assert(
    fc.property(commands, (list) => {
      const agenda = new Agenda<string>()
      let model: [number, string][] = []
      list.forEach((command, i) => {
        if (command !== 'take') {
          agenda.add(command, `item ${i}`)
          model = [...model, [command, `item ${i}`] as [number, string]].sort((a, b) => a[0] - b[0])
        } else if (model.length > 0) expect(agenda.take()).toBe(model.shift()![1])
        expect(agenda.nextMs).toBe(model[0]?.[0] ?? Number.POSITIVE_INFINITY)
        expect(agenda.entries()).toEqual(model)
      })
    }),
  )
})
