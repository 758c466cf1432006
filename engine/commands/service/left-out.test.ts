import { expect, test } from 'vitest'
import { Counters } from '../../model/counters.ts'
import { LeftOut } from './left-out.ts'

function watched() {
  const counters = new Counters()
  const said: string[] = []
  const warn = (fields: object, message: string) => said.push(`${JSON.stringify(fields)} ${message.slice(0, 21)}`)
  const quiet = () => {}
  const leftOut = new LeftOut(counters, { debug: quiet, info: quiet, error: quiet, warn })
  const add = (name: string, value: number, labels = {}) => {
    counters.counter(name, labels).value += value
  }
  return { add, said, leftOut }
}

test('a warning where most events since the last look were left out, and only there', () => {
  const { add, said, leftOut } = watched()
  add('events_total', 100)
  leftOut.look()
  add('late_total', 19)
  leftOut.look() // too few to tell
  add('late_total', 1)
  leftOut.look()
  add('events_total', 30)
  add('late_total', 10)
  leftOut.look()
  add('dead_letters_total', 25, { reason: 'NO_TIME' })
  add('dead_letters_total', 99, { reason: 'MALFORMED' })
  leftOut.look()
  expect(said).toEqual([
    '{"late":20,"untimely":0,"events":20} most events are late ',
    '{"late":0,"untimely":25,"events":25} most events have no t',
  ])
})
