import { describe, expect, test } from 'vitest'
import { compileRuleSet } from '../index.ts'
import { STREAMS } from '../testing.ts'

const RULE = (extra: string, when = 'orders > 10') => `rule: burst
version: 1
title: Many orders at one shop
on: order.created
by: [shop_id]
window: 1h
params: { limit: 3 }
measure:
  orders: { count: events }
when: ${when}
severity: high
${extra}
`

function issues(text: string) {
  return compileRuleSet([{ path: 'a.yaml', text }], { streams: STREAMS }).issues.filter((i) => i.code !== 'unused')
}

function rule(text: string) {
  const compiled = compileRuleSet([{ path: 'a.yaml', text }], { streams: STREAMS })
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.issues))
  return compiled.set.rules[0]
}

/** What the carets of the first fault stand under. */
function underCaret(text: string): string[] {
  const lines = text.split('\n')
  return issues(text).map((i) => lines[i.line - 1].slice(i.column - 1, i.column - 1 + i.length))
}

describe('faults stand where they are in the file, however YAML writes the expression', () => {
  const wrong = 'orders > 1 &&\n  nope < 3'
  for (const [how, written] of [
    ['plain', 'orders > 1 && nope < 3'],
    ['plain over two lines', wrong],
    ['plain with a blank line', 'orders > 1 &&\n\n  nope < 3'],
    ['single quotes', `'orders > 1 && "''" != "" && nope < 3'`],
    ['double quotes', `"orders > 1 && \\"\\u00e9\\x41\\" != '' && nope < 3"`],
    ['double quotes with a continued line', `"orders > 1 && \\\n    nope < 3"`],
    ['literal block', '|\n  orders > 1\n\n  && nope < 3'],
    ['folded block, chomped, indented', '>2-\n    orders > 1\n    && nope < 3'],
    ['folded block with a comment in its head', '>- # why\n  orders > 1 &&\n     nope < 3'],
  ]) {
    test(how, () => expect(underCaret(RULE('', written))).toEqual(['nope']))
  }

  test('after a byte order mark and with CRLF', () => {
    const text = `\ufeff${RULE('', 'orders > 1 && nope < 3')}`.replaceAll('\n', '\r\n')
    expect(underCaret(text)).toEqual(['nope'])
  })

  test('all faults of one expression at once', () => {
    expect(underCaret(RULE('', 'a > 1 && key.b == 3 || params.c > event.d + size(e)'))).toEqual([
      'a',
      'b',
      'c',
      'd',
      'e',
    ])
  })
})

describe('trees', () => {
  test('numbers are of one type and durations are milliseconds', () => {
    expect(rule(RULE('', 'orders > duration("1h30m") / -2.5')).when).toEqual({
      op: 'call',
      type: 'boolean',
      fn: 'gt',
      args: [
        { op: 'measure', type: 'number', name: 'orders' },
        {
          op: 'call',
          type: 'number',
          fn: 'div',
          args: [
            { op: 'literal', type: 'number', value: 5_400_000 },
            { op: 'literal', type: 'number', value: -2.5 },
          ],
        },
      ],
    })
  })

  test('null may be compared, and a choice may have it on one side', () => {
    const { where } = rule(RULE('where: "(event.status == null ? null : event.status) != null"'))
    expect(where).toMatchObject({ fn: 'ne', args: [{ fn: 'cond', type: 'string' }, { value: null }] })
  })

  test('a key in a dropping exception is the field it comes from', () => {
    const extra =
      'exceptions: [{ name: a, apply: drop_event, when: key.shop_id == "S1", reason: r, until: 2030-01-01 }]'
    expect(rule(RULE(extra)).exceptions[0].when).toMatchObject({ args: [{ op: 'field', name: 'shop_id' }, {}] })
  })
})

describe('when a rule reads the event', () => {
  const reading = ['when: orders > event.quantity', 'severity: [{ low: event.quantity > 3 }, { high: otherwise }]']
  test('it is evaluated on arrival, with a note that is no warning', () => {
    for (const line of reading) {
      const text = RULE('').replace(/^(when|severity):.*$/gm, (old, key) => (line.startsWith(key) ? line : old))
      const compiled = compileRuleSet([{ path: 'a.yaml', text: text.replace('params: { limit: 3 }\n', '') }], {
        streams: STREAMS,
      })
      expect(compiled.issues).toEqual([])
      expect(compiled.ok && compiled.set.rules[0].evaluate).toBe('arrival')
      expect(compiled.ok && compiled.notes.map((n) => n.rule)).toEqual(['burst'])
    }
  })
  test('through a let as well, and in explain', () => {
    const extra = 'let: { dear: event.amount > 100 }\nalert: { explain: "dear: {dear}" }'
    expect(rule(RULE(extra)).evaluate).toBe('arrival')
  })
  test('where and measures do not count', () => {
    expect(rule(RULE('where: event.quantity > 3')).evaluate).toBe('every_change')
  })
})
