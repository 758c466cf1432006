import { expect, test } from 'vitest'
import { BoundedClock } from './bounded-clock.ts'

function setUp(wallMs: number) {
  const at = { wallMs, elapsedMs: 0 }
  const clock = new BoundedClock(
    () => at.wallMs,
    () => at.elapsedMs,
  )
  const pass = (ms: number) => {
    at.wallMs += ms
    at.elapsedMs += ms
  }
  return { at, clock, pass }
}

test('a wall clock that jumps ahead is followed at the pace of time, and again when it is right', () => {
  const { at, clock, pass } = setUp(1_000_000)
  pass(500)
  expect([clock.now(), clock.aheadMs]).toEqual([1_000_500, 0])
  at.wallMs += 3_600_000
  pass(500)
  expect([clock.now(), clock.aheadMs]).toEqual([1_002_000, 3_599_000])
  at.wallMs -= 3_600_000
  pass(5_000)
  expect([clock.now(), clock.aheadMs]).toEqual([1_006_000, 0])
})

test('a wall clock that is wrong at the start is bounded by the broker as soon as it is heard', () => {
  const { clock, pass } = setUp(3_600_000 + 1_000_000)
  clock.heard(1_000_000)
  pass(10_000)
  expect(clock.now()).toBe(1_011_000)
})

test('without the broker, records that are as late as the wall clock say that it is right: a machine that slept', () => {
  const { at, clock } = setUp(1_000_000)
  at.wallMs += 3_600_000
  clock.saw(9_000_000) // a producer's clock is wrong
  expect(clock.now()).toBe(1_001_000)
  clock.saw(4_599_500)
  expect(clock.now()).toBe(4_600_000)
})
