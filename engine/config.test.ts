import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { DEFAULTS } from './config/shape.ts'
import { type ConfigSources, defaultConfig, loadConfig, SETTINGS } from './config.ts'
import { packagePath } from './kit/package-path.ts'
import { EngineError } from './model/errors.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-config-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0
function folderWith(files: Record<string, string>): string {
  const folder = join(root, String(folders++))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}
const load = (yaml: string, more: ConfigSources = {}, files = {}) =>
  loadConfig({ folder: folderWith({ 'lapwing.yaml': yaml, ...files }), ...more })
function faults(yaml: string, more: ConfigSources = {}, files = {}): string[] {
  try {
    load(yaml, more, files)
  } catch (error) {
    expect(error).toBeInstanceOf(EngineError)
    expect((error as EngineError).code).toBe('CONFIG_INVALID')
    const lines = (error as EngineError).message.split('\n')
    return lines.flatMap((line, i) => {
      if (!/^\S+:\d+:\d+: /.test(line)) return []
      const suggestion = /\^ (.+)$/.exec(lines[i + 3] ?? '')?.[1]
      return [suggestion ? `${line} | ${suggestion}` : line]
    })
  }
  return []
}

describe('without a file', () => {
  const empty = folderWith({})
  const config = defaultConfig(empty)
  test('the defaults hold', () => {
    expect(loadConfig({ folder: empty })).toEqual(config)
    expect({
      ...config,
      streams: config.streams.map((s) => `${s.name} ${s.latenessMs} ${s.maxAheadMs} ${s.dedupeMs}`),
    }).toEqual({
      path: null,
      data: join(empty, '.lapwing'),
      rules: [packagePath('rules')],
      http: { host: '127.0.0.1', port: 9464 },
      log: { kind: 'local' },
      registry: null,
      time: { maxSkewMs: 5_000, maxWaitMs: 30_000, markIntervalMs: 500, idleGraceMs: 2_000 },
      snapshots: { everyMs: 30_000, records: 100_000 },
      exchange: { partitions: 4 },
      limits: {
        keys: 5_000_000,
        values: 20_000_000,
        eventsPerKey: 100_000,
        openAlerts: 100_000,
        timers: 1_000_000,
        eventsInMemory: 262_144,
      },
      streams: ['transactions 120000 30000 600000', 'behavior 120000 30000 0'],
      outputs: {
        alerts: 'risk.alerts.v1',
        shadow: 'risk.alerts.shadow.v1',
        rankings: 'risk.hot-items.v1',
        trends: 'risk.trends.v1',
        dlq: 'risk.dlq.v1',
      },
    })
    expect(config.streams[0]!.fields).toHaveLength(17)
  })
  test('it is frozen to the bottom', () => {
    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError)
    expect(() => (config.streams[0]!.types as string[]).push('x')).toThrow(TypeError)
  })
})

describe('layers', () => {
  const yaml = 'http: { port: 1000 }\ntime: { max_skew: 1s }\n'
  test('flags before environment before file before default', () => {
    const env = { LAPWING_HTTP_PORT: '2000', LAPWING_TIME_MAX_SKEW: '2s', LAPWING_TIME_MAX_WAIT: '' }
    expect(load(yaml).http).toEqual({ host: '127.0.0.1', port: 1000 })
    expect(load(yaml, { env }).http.port).toBe(2000)
    const config = load(yaml, { env, overrides: { 'http.port': '3000', 'http.host': undefined } })
    expect([config.http.port, config.time.maxSkewMs, config.time.maxWaitMs]).toEqual([3000, 2_000, 30_000])
  })
  test('Kafka from the environment alone', () => {
    const env = {
      LAPWING_LOG_KIND: 'kafka',
      LAPWING_LOG_BROKERS: 'a:9092, b:9093',
      LAPWING_LOG_SSL: 'true',
      LAPWING_REGISTRY: 'http://r:8081',
    }
    const config = load('', { env })
    expect(config.log).toEqual({
      kind: 'kafka',
      brokers: ['a:9092', 'b:9093'],
      group: 'lapwing',
      ssl: true,
      sasl: null,
    })
    expect(config.registry).toBe('http://r:8081')
  })
  test('the file may be named by a flag or the environment; paths in it start at its folder', () => {
    const folder = folderWith({ 'other.yaml': 'data: state\nrules: [mine, more]' })
    const named = loadConfig({ folder: root, path: join(folder, 'other.yaml') })
    expect([named.path, named.data, ...named.rules]).toEqual(
      ['other.yaml', 'state', 'mine', 'more'].map((f) => join(folder, f)),
    )
    expect(loadConfig({ folder, env: { LAPWING_CONFIG: 'other.yaml', LAPWING_RULES: 'a,b' } }).rules).toEqual([
      join(folder, 'a'),
      join(folder, 'b'),
    ])
  })
  test('a file that is not there', () => {
    expect(() => loadConfig({ folder: root, path: 'none.yaml' })).toThrow(
      'configuration: none.yaml: no such file or folder',
    )
  })
  test('a fault outside the file is a plain line', () => {
    const more = { env: { LAPWING_REGISTRY: 'x' }, overrides: { 'http.port': 99_999 } }
    const lines =
      '--port 99999: "http.port" must be at most 65535\nLAPWING_REGISTRY: "registry" must be an http:// or https:// URL, or null'
    expect(() => load('', more)).toThrow(expect.objectContaining({ code: 'USAGE', message: lines }))
    expect(() => load('dta: x', more)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(/^lapwing.yaml:1:1: .*\n--port 99999: /s),
      }),
    )
  })
})

const bid =
  '{"type":"record","name":"Bid","fields":[{"name":"auction","type":"long"},{"name":"date_time","type":"string"}]}'

test('a stream of one type with ISO times', () => {
  const yaml =
    'streams:\n  bids: { schema: bid.avsc, topic: x.bids.v1, time: date_time, time_format: iso, id: null, type: { fixed: bid }, lateness: 0s }'
  const [stream] = load(yaml, {}, { 'bid.avsc': bid }).streams
  expect(stream).toMatchObject({
    name: 'bids',
    timeFormat: 'iso',
    idField: null,
    type: { fixed: 'bid' },
    types: [],
    latenessMs: 0,
    maxAheadMs: 0,
  })
})

describe('how times and texts are written', () => {
  test('a unit, or a pattern with a zone; an encoding', () => {
    const keys = "time_format: 'yyyy-MM-dd HH:mm:ss', zone: Asia/Shanghai, encoding: gbk"
    expect(load(`streams: { transactions: { ${keys} } }`).streams[0]).toMatchObject({
      timeFormat: { pattern: 'yyyy-MM-dd HH:mm:ss' },
      zone: 'Asia/Shanghai',
      encoding: 'gbk',
    })
    expect(load('streams: { transactions: { time_format: us, encoding: utf-8 } }').streams[0]).toMatchObject({
      timeFormat: 'us',
    })
  })
  test.each([
    ['time_format: yyyy-MM-DD', 'a pattern such as yyyy-MM-dd HH:mm:ss: "DD" is none of yyyy, MM or M'],
    ['time_format: minutes', 'must be ms, s, us, ns, iso, or a pattern'],
    ['zone: Shanghai', 'must be a zone such as Asia/Shanghai'],
    ['encoding: cp936', 'must be one of utf-8, utf-16le, utf-16be, gbk, gb18030, windows-1252, latin1'],
  ])('%s is refused', (key, message) => {
    expect(faults(`streams: { transactions: { ${key} } }`)).toEqual([expect.stringContaining(message)])
  })
})

describe('streams over those that ship', () => {
  const shown = (yaml: string, files = {}) =>
    load(yaml, {}, files).streams.map(
      (s) => `${s.name} ${s.latenessMs} ${s.maxAheadMs} ${s.dedupeMs} ${s.types.length}`,
    )
  test('one key alone: the rest of the stream and the other stream stay', () => {
    expect(shown('streams: { transactions: { dedupe: 0s } }')).toEqual([
      'transactions 120000 30000 0 5',
      'behavior 120000 30000 0 4',
    ])
    expect(shown('streams: { behavior: { topic: b } }')[0]).toBe('transactions 120000 30000 600000 5')
  })
  test('what leans on a key follows it', () => {
    expect(shown('streams: { transactions: { lateness: 20s } }')[0]).toBe('transactions 20000 5000 600000 5')
    const events =
      '{"type":"record","name":"E","fields":[{"name":"event_time","type":"long"},{"name":"event_id","type":"string"}]}'
    const one = 'streams: { behavior: { schema: e.avsc, type: { fixed: viewed } } }'
    expect(shown(one, { 'e.avsc': events })).toEqual([
      'transactions 120000 30000 600000 5',
      'behavior 120000 30000 0 0',
    ])
  })
  test('beside a stream of the file only those that it names; null takes one away', () => {
    const bids = 'bids: { schema: bid.avsc, topic: b, time: date_time, time_format: iso, type: { fixed: bid } }'
    expect(shown(`streams: { ${bids}, transactions: {} }`, { 'bid.avsc': bid })).toEqual([
      'bids 120000 30000 0 0',
      'transactions 120000 30000 600000 5',
    ])
    expect(shown('streams: { behavior: null }')).toEqual(['transactions 120000 30000 600000 5'])
  })
  test('a fault stands where its key is', () => {
    expect(faults('streams:\n  transactions: { latenes: 5m }\n')).toEqual([
      'lapwing.yaml:2:19: error[unknown-key]: "latenes" is not a key in "streams.transactions" | did you mean "lateness"?',
    ])
  })
})

describe('faults', () => {
  test('all at once, in order, with a way out', () => {
    const yaml = `dta: x
http: { prot: 1, port: 70000 }
log: { kind: kafka, group: g }
registry: 8081
time: { max_skew: 5, mark_interval: 0s }
rules: rules
streams:
  Bids: { schema: none.avsc, topic: a b, time: t, tpye: x, type: { fixd: x } }
  orders:
    schema: schemas/transaction.avsc
    topic: risk.alerts.v1
    time: event_tme
    type: type
    types: [order.*]
    lateness: 1m
    max_ahead: 30s
    determines: { order_id: [buyerid] }
  more: { schema: bid.avsc, topic: m, time: date_time, type: { fixed: order.created } }
  untyped: { schema: schemas/behavior.avsc, topic: u, time: event_time, type: type }
`
    expect(faults(yaml, {}, { 'bid.avsc': bid })).toEqual([
      'lapwing.yaml:1:1: error[unknown-key]: "dta" is not a key here | did you mean "data"?',
      'lapwing.yaml:2:9: error[unknown-key]: "prot" is not a key in "http" | did you mean "port"?',
      'lapwing.yaml:2:24: error[wrong-value]: "http.port" must be at most 65535',
      'lapwing.yaml:3:1: error[missing-key]: "log.brokers" is missing',
      'lapwing.yaml:4:11: error[wrong-value]: "registry" must be an http:// or https:// URL, or null',
      'lapwing.yaml:5:19: error[wrong-value]: "time.max_skew" must be a duration such as 500ms, 5s or 2m',
      'lapwing.yaml:5:37: error[wrong-value]: "time.mark_interval" must be longer than 0s',
      'lapwing.yaml:6:8: error[wrong-value]: "rules" must be a list of texts',
      'lapwing.yaml:8:3: error[bad-name]: "Bids" must be a name of a–z, 0–9 and _',
      'lapwing.yaml:8:37: error[wrong-value]: "streams.Bids.topic" must be a topic: letters, digits, ".", "_", "-", at most 249',
      'lapwing.yaml:8:51: error[unknown-key]: "tpye" is not a key in "streams.Bids" | did you mean "type"?',
      'lapwing.yaml:8:66: error[wrong-value]: "streams.Bids.type" must be the name of a field, or { fixed: name of the only type }',
      'lapwing.yaml:12:11: error[unknown-field]: time "event_tme" is not a field of the schema | did you mean "event_time"?',
      'lapwing.yaml:16:16: error[out-of-range]: max_ahead must be below half of lateness, which is 1m',
      'lapwing.yaml:17:17: error[unknown-field]: determines: "buyerid" is not a field of the schema | did you mean "buyer_id"?',
      'lapwing.yaml:18:45: error[wrong-value]: time "date_time" must be a number for time_format ms',
      'lapwing.yaml:19:3: error[missing-key]: stream "untyped" must say which types it carries, in "types"',
    ])
  })
  test('an exchange has 1 to 1000 partitions', () => {
    expect(load('exchange: { partitions: 12 }').exchange).toEqual({ partitions: 12 })
    expect(load('', { env: { LAPWING_EXCHANGE_PARTITIONS: '1000' } }).exchange).toEqual({ partitions: 1_000 })
    const fault = (said: string) => faults(`exchange: ${said}`).map((f) => f.replace(/^[^[]*/, ''))
    expect(fault('{ partitions: 0 }')).toEqual(['[wrong-value]: "exchange.partitions" must be at least 1'])
    expect(fault('{ partitions: 1001 }')).toEqual(['[wrong-value]: "exchange.partitions" must be at most 1000'])
    expect(fault('{ partitions: 1.5 }')).toEqual(['[wrong-value]: "exchange.partitions" must be a whole number'])
    expect(fault('{ partitons: 2 }')).toEqual([
      '[unknown-key]: "partitons" is not a key in "exchange" | did you mean "partitions"?',
    ])
  })
  test('types and topics belong to one stream', () => {
    const stream = (name: string, topic: string, types: string) =>
      `  ${name}: { schema: schemas/behavior.avsc, topic: ${topic}, time: event_time, type: type, types: [${types}] }\n`
    const yaml = `streams:\n${stream('a', 'x', 'item.*, order.paid')}${stream('b', 'x', 'order.*')}${stream('c', 'risk.dlq.v1', 'item.viewed, other')}`
    expect(faults(yaml).map((f) => f.replace(/^[^[]*/, ''))).toEqual([
      '[duplicate-name]: the topic "risk.dlq.v1" is that of stream "c" too',
      '[duplicate-name]: the topic "x" is that of stream "a" too',
      '[duplicate-name]: the type "order.*" is claimed by stream "a" too',
      '[duplicate-name]: the type "item.viewed" is claimed by stream "a" too',
    ])
  })
  test('YAML that cannot be read, or is no mapping', () => {
    expect(faults('http: { port: 1')).toHaveLength(1)
    expect(faults('data: a\ndata: b')).toEqual(['lapwing.yaml:2:1: error[duplicate-key]: Map keys must be unique'])
    expect(faults('- a')).toEqual([
      'lapwing.yaml:1:1: error[not-a-mapping]: a configuration is a mapping of keys to values',
    ])
    expect(faults('')).toEqual([])
    expect(faults('http:\n')).toEqual([])
  })
  test('schemas that cannot be used', () => {
    const yaml =
      'streams:\n  a: { schema: bad.avsc, topic: a, time: t, type: { fixed: a } }\n  b: { schema: none.avsc, topic: b, time: t, type: { fixed: b } }'
    expect(faults(yaml, {}, { 'bad.avsc': '{' }).map((f) => f.replace(/^[^[]*/, ''))).toEqual([
      expect.stringContaining('bad.avsc: not JSON'),
      '[wrong-value]: none.avsc: there is no such file',
    ])
  })
  test('what looks like an object key of JavaScript is only a name', () => {
    expect(faults('__proto__: 1\nconstructor: 2').length).toBeGreaterThan(0)
  })
})

test('the page on configuration shows every key with its default', () => {
  const page = readFileSync(packagePath('docs/configuration.md'), 'utf8')
  const [shown, kafka] = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => parse(text!))
  const { streams: _, ...sections } = DEFAULTS
  expect(shown).toEqual(sections)
  const config = load(JSON.stringify({ ...kafka, rules: ['rules'] }))
  expect(config.log).toMatchObject({ kind: 'kafka', group: 'lapwing', ssl: true, sasl: { mechanism: 'scram-sha-256' } })
  const keys = SETTINGS.flatMap((setting) => setting.split('.'))
  expect(keys.filter((key) => !page.includes(`${key}:`))).toEqual([])
})
