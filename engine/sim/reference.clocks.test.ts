import { expect, test } from 'vitest'
import { call, deal, literal, markOf, measured, rankingOf, ruleOf, running, setOf } from './build.ts'
import { play, story } from './play.ts'

test('with settle events enter in time order, equal times in order of arrival, on a clock of its own', () => {
  // settle 50 ms; read: 10, 5, 5', 60 -> the clock goes to 10: 5, 5', 10 enter
  const rule = ruleOf({
    settleMs: 50,
    windowMs: 100,
    evaluate: 'arrival',
    when: literal(false),
    measures: [running('n', 'count', null, 100)],
  })
  const { measures } = play({ set: setOf([rule]), measures: true }, [
    deal(10, { id: 'c' }),
    deal(5, { id: 'a' }),
    deal(5, { id: 'b' }),
    deal(60, { id: 'd' }),
  ])
  expect(measures.map((m) => [m.event_id, m.measures.n])).toEqual([
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ])
})

test('an event that is late even for settle enters at once', () => {
  const rule = ruleOf({
    settleMs: 50,
    windowMs: 100,
    evaluate: 'arrival',
    measures: [running('n', 'count', null, 100)],
  })
  const { alerts } = play({ set: setOf([rule]) }, [deal(200), deal(149)])
  expect(story(alerts)).toEqual(['open@150', 'closed@150'])
  expect(alerts[0]!.window).toEqual({ start: 50, end: 150 })
})

test('an event on the very clock of settle is late too; one millisecond later it waits', () => {
  const rule = ruleOf({ settleMs: 50, windowMs: 100, evaluate: 'arrival' })
  expect(story(play({ set: setOf([rule]) }, [deal(200), deal(150)]).alerts)).toEqual(['open@150', 'closed@150'])
  expect(story(play({ set: setOf([rule]) }, [deal(200), deal(151)]).alerts)).toEqual([])
})

test('departures, closings and rankings of a moment come before the waiting events of that moment', () => {
  const lone = ruleOf({ settleMs: 50, windowMs: 10, when: call('eq', measured('n'), 1) })
  const set = setOf([lone], [rankingOf({ settleMs: 50 })])
  const { outputs } = play({ set }, [deal(0), deal(10), markOf(60)])
  expect(outputs.map((o) => (o.kind === 'alert' ? `${o.status}@${o.event_time}` : o.kind))).toEqual([
    'open@0',
    'closed@10',
    'ranking',
    'open@10',
  ])
})

test('the moments of two clocks come in the order of stream time', () => {
  const fast = ruleOf({ id: 'fast', windowMs: 10 })
  const slow = ruleOf({ id: 'slow', windowMs: 10, settleMs: 5 })
  const { alerts } = play({ set: setOf([slow, fast]) }, [deal(0), markOf(30)])
  expect(alerts.map((a) => `${a.rule} ${a.status}@${a.event_time}`)).toEqual([
    'fast open@0',
    'slow open@0', // stream time 5
    'fast closed@10',
    'slow closed@10', // stream time 15
  ])
})

test('drained: windows empty, cooldowns over, settle out, the last ranking made', () => {
  const rule = ruleOf({ settleMs: 50, windowMs: 10, cooldownMs: 100 })
  const set = setOf([rule], [rankingOf({ windowMs: 20, stepMs: 10, settleMs: 7 })])
  const drained = play({ set, until: 'drained' }, [deal(1)])
  expect(story(drained.alerts)).toEqual(['open@1', 'closed@101'])
  expect(drained.rankings.map((r) => r.as_of)).toEqual([10, 20])
  const last = play({ set, until: 'last' }, [deal(1)])
  expect(last.outputs).toEqual([])
})

test('what is still open at the end closes where the clock stands', () => {
  const empty = ruleOf({ windowMs: 10, when: call('le', measured('n'), 1) })
  const set = setOf([empty, ruleOf({ id: 'slow', windowMs: 10, settleMs: 5, when: call('le', measured('n'), 1) })])
  const closed = (until: 'drained' | 'last') =>
    play({ set, until }, [deal(0), deal(7)]).alerts.map((a) => `${a.rule} ${a.status}@${a.event_time}`)
  // stream time 22: the later event leaves the slow rule's window
  expect(closed('drained')).toEqual([
    'rule open@0',
    'slow open@0',
    'rule closed@7',
    'rule open@10',
    'slow closed@7', // stream time 12
    'slow open@10',
    'rule closed@22',
    'slow closed@17',
  ])
  expect(closed('last')).toEqual(['rule open@0', 'slow open@0', 'rule closed@7'].concat('slow closed@2'))
})

test('an empty input ends without a word', () => {
  expect(play({ set: setOf([ruleOf()]), until: 'drained' }, []).outputs).toEqual([])
})
