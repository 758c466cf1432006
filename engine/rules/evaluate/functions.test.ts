import { describe, expect, test } from 'vitest'
import type { Expression, Operator, Value, ValueType } from '../../model/expression.ts'
import { compileExpression } from './compile.ts'
import type { Scope } from './scope.ts'
import { subnetOf } from './subnet.ts'
import { compileTemplate, showDuration, showNumber } from './template.ts'
import { unordered } from './text.ts'
import { zoneClock } from './zone.ts'

const scope: Scope = {
  reason: 'minimum_sample',
  field: (name) => () => ({ ip: '10.1.2.3', text: 'Größe🙂', none: null })[name] as Value,
  let: () => () => undefined,
  measure: (name) => () => Number(name),
  key: () => () => 'S1',
  param: () => 'p',
  list: () => new Set(['S1']),
  feature: () => () => null,
}
const text = (value: string | null): Expression => ({ op: 'literal', type: 'string', value })
const field = (name: string): Expression => ({ op: 'field', type: 'string', name })
const run = (fn: Operator, type: ValueType, ...args: Expression[]) =>
  compileExpression({ op: 'call', type, fn, args }, scope)()

describe('text', () => {
  test('functions', () => {
    expect(run('size', 'number', field('text'))).toBe(6)
    expect(run('lower', 'string', field('text'))).toBe('größe🙂')
    expect(run('startsWith', 'boolean', field('text'), text('Gr'))).toBe(true)
    expect(run('endsWith', 'boolean', field('text'), text('x'))).toBe(false)
    expect(run('contains', 'boolean', field('text'), text('ß'))).toBe(true)
    expect(run('matches', 'boolean', field('text'), text('^Gr.+🙂$'))).toBe(true)
    expect(run('concat', 'string', field('text'), text('!'))).toBe('Größe🙂!')
    expect(run('lt', 'boolean', text('a'), field('text'))).toBe(false)
  })
  test('of null abstain, for that reason', () => {
    for (const fn of ['size', 'lower', 'startsWith', 'matches', 'concat', 'unordered', 'subnet', 'le'] as const) {
      scope.reason = 'minimum_sample'
      const type =
        fn === 'size'
          ? 'number'
          : fn === 'lower' || fn === 'concat' || fn === 'unordered' || fn === 'subnet'
            ? 'string'
            : 'boolean'
      expect([fn, run(fn, type, field('none'), text('24')), scope.reason]).toEqual([fn, undefined, 'null'])
    }
  })
  test('unordered pairs are the same both ways and mix with no other', () => {
    expect(unordered('b', 'a')).toBe('a|b')
    expect(unordered('a', 'b')).toBe('a|b')
    expect(unordered('a|b', 'c')).not.toBe(unordered('a', 'b|c'))
  })
  test('subnets', () => {
    expect(subnetOf('203.0.113.7', 24)).toBe('203.0.113.0/24')
    expect(subnetOf('255.255.255.255', 1)).toBe('128.0.0.0/1')
    expect(subnetOf('10.1.2.3', 0)).toBe('0.0.0.0/0')
    expect(subnetOf('10.1.2.3', 32)).toBe('10.1.2.3/32')
    expect(subnetOf('2001:db8:1:2:3::7', 64)).toBe('2001:db8:1:2::/64')
    expect(subnetOf('2001:DB8::1', 33)).toBe('2001:db8::/33')
    expect(subnetOf('2001:db8:1:2:3::7', 24, 64)).toBe('2001:db8:1:2::/64')
    const spellings = ['::ffff:10.1.2.3', '::FFFF:a01:203', '0:0:0:0:0:ffff:10.1.2.3', '0000::0:ffff:0a01:0203']
    for (const mapped of spellings) {
      expect([mapped, subnetOf(mapped, 24, 64)]).toEqual([mapped, '10.1.2.0/24'])
      expect([mapped, subnetOf(mapped, 120)]).toEqual([mapped, null])
    }
    expect(subnetOf('::fffe:10.1.2.3', 24, 112)).toBe('::fffe:a01:0/112')
    expect(subnetOf('::1:ffff:10.1.2.3', 24, 112)).toBe('::1:ffff:a01:0/112')
    for (const bad of ['', '1.2.3', '1.2.3.256', 'a::b::c', 'x', '1:2:3:4:5:6:7', ':::', '1.2.3.4.5', '12345::']) {
      expect([bad, subnetOf(bad, 24)]).toEqual([bad, null])
    }
    expect(subnetOf('10.1.2.3', 33)).toBe(null)
  })
})

describe('lists', () => {
  const list = (...values: (string | number | boolean)[]) =>
    ({ op: 'field', type: 'list', name: JSON.stringify(values) }) as const
  const none = { op: 'field', type: 'list', name: 'null' } as const
  const lists: Scope = { ...scope, field: (name) => () => JSON.parse(name) as Value, let: () => () => undefined }
  const ask = (fn: Operator, type: ValueType, ...args: Expression[]) =>
    compileExpression({ op: 'call', type, fn, args }, lists)()
  const abstaining: Expression = { op: 'let', type: 'string', name: 'x' }
  test('have members and a size', () => {
    expect(ask('member', 'boolean', text('B1'), list('B0', 'B1'))).toBe(true)
    expect(ask('member', 'boolean', text('B2'), list('B0', 'B1'))).toBe(false)
    expect(ask('member', 'boolean', text(null), list('B0'))).toBe(false)
    expect(ask('size', 'number', list(1, 2, 3))).toBe(3)
  })
  test('that are not there make an expression abstain', () => {
    lists.reason = 'minimum_sample'
    expect([ask('member', 'boolean', text('B1'), none), lists.reason]).toEqual([undefined, 'null'])
    lists.reason = 'minimum_sample'
    expect([ask('size', 'number', none), lists.reason]).toEqual([undefined, 'null'])
    expect(ask('member', 'boolean', abstaining, list('B0'))).toBe(undefined)
  })
  test('are written with commas', () => {
    const part = { expression: list('B0', 1 / 3, true), format: 'plain', digits: 0 } as const
    expect(compileTemplate([part, { ...part, expression: none }], lists)()).toBe('B0, 0.333333, trueunknown')
  })
})

describe('clocks', () => {
  const at = (iso: string) => Date.parse(iso)
  test('hours and weekdays follow the zone and its summer time', () => {
    const shanghai = zoneClock('Asia/Shanghai')
    expect(shanghai.hour(at('2026-01-01T17:30:00Z'))).toBe(1)
    expect(shanghai.weekday(at('2026-01-01T17:30:00Z'))).toBe(5) // Friday there, Thursday in UTC
    expect(zoneClock('UTC').weekday(at('2026-01-01T17:30:00Z'))).toBe(4)
    const berlin = zoneClock('Europe/Berlin')
    expect(berlin.hour(at('2026-03-29T00:59:59Z'))).toBe(1)
    expect(berlin.hour(at('2026-03-29T01:00:00Z'))).toBe(3)
    expect(zoneClock('Asia/Kathmandu').hour(at('2026-01-01T00:14:59Z'))).toBe(5)
    expect(zoneClock('Asia/Kathmandu').hour(at('2026-01-01T00:15:00Z'))).toBe(6)
    expect(zoneClock('UTC').weekday(-1)).toBe(3)
    expect(shanghai.hour(9e15)).toBe(Number.NaN)
  })
  test('agree with the calendar at random times', () => {
    for (const zone of ['Asia/Shanghai', 'America/New_York', 'Australia/Lord_Howe', 'Africa/Monrovia']) {
      const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hour: 'numeric', hourCycle: 'h23' })
      for (let i = 0; i < 300; i++) {
        const ms = Date.UTC(1975, 0, 1) + ((i * 7_919_321_777) % (70 * 365 * 86_400_000))
        expect([zone, ms, zoneClock(zone).hour(ms)]).toEqual([zone, ms, Number(format.format(ms))])
      }
    }
  })
})

describe('templates', () => {
  test('numbers without the noise of doubles', () => {
    const shown = [3, 0.1 + 0.2, 2.25, -0, 1e-9, 123456.789, 1 / 3, 1e21].map(showNumber)
    expect(shown).toEqual(['3', '0.3', '2.25', '0', '1e-9', '123456.789', '0.333333', '1e+21'])
  })
  test('durations in their two largest units', () => {
    const shown = [0, 1, 999, 1_000, 59_999, 90_000, 3_900_000, 3_600_000, 3_605_000, 90_000_000, -5_000].map(
      showDuration,
    )
    expect(shown).toEqual(['0s', '1ms', '999ms', '1s', '1m', '1m 30s', '1h 5m', '1h', '1h', '1d 1h', '-5s'])
  })
  test('formats, and what is not known', () => {
    const part = (name: string, format: 'plain' | 'fixed' | 'percent' | 'duration', digits = 0) =>
      ({ expression: { op: 'measure', type: 'number', name }, format, digits }) as const
    const unknown = { expression: { op: 'let', type: 'number', name: 'x' }, format: 'fixed', digits: 2 } as const
    const parts = [
      { text: 'a ' },
      part('3', 'fixed', 2),
      { text: ' ' },
      part('0.1234', 'percent', 1),
      { text: ' ' },
      part('65000', 'duration'),
      { text: ' ' },
      unknown,
      part('-0.001', 'fixed', 2),
    ]
    expect(compileTemplate(parts, scope)()).toBe('a 3.00 12.3% 1m 5s unknown0.00')
    expect(compileTemplate([], scope)()).toBe('')
  })
})
