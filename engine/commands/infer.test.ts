import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import iconv from 'iconv-lite'
import { afterAll, describe, expect, test } from 'vitest'
import { packagePath } from '../kit/package-path.ts'
import type { AlertRecord } from '../model/output.ts'
import { addBacktest } from './backtest.ts'
import { addInfer } from './infer.ts'
import { type Ended, runVerb } from './testing.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-infer-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0

const RULES = packagePath('examples/export/rules.yaml')

/** Infers from a file of that name, in a folder of its own. */
async function inferred(name: string, content: string | Uint8Array) {
  const folder = join(root, `${folders++}`)
  const file = join(mkdtempSync(join(root, 'input-')), name)
  writeFileSync(file, content)
  const config = join(folder, 'lapwing.yaml')
  const ended = await runVerb(addInfer, 'infer', file, '-o', config)
  return { ...ended, file, config, text: existsSync(config) ? readFileSync(config, 'utf8') : '' }
}

const backtest = (file: string, config: string, ...more: string[]): Promise<Ended> =>
  runVerb(addBacktest, 'backtest', RULES, '--input', file, '-c', config, '--no-cache', ...more)

const alertsOf = ({ out }: Ended) => {
  const records = out.trim().split('\n').filter(Boolean).map((line): AlertRecord => JSON.parse(line)) // biome-ignore format: one line
  return records
    .filter(({ status }) => status === 'open')
    .map(({ event_time, explain }) => [new Date(event_time).toISOString(), explain])
}

const HEADER = '订单号,买家,店铺,实付金额,下单时间,状态'
const ORDERS = [
  '0001,张三,一号店,"¥1,234.50",2026/1/5 8:00:00,已付款',
  '0002,李四,一号店,¥20,2026/1/5 8:01:00,待付款',
  '0003,张三,二号店,"¥3,000.00",2026/1/5 8:02:00,已付款',
  '0004,李四,二号店,-,2026/1/5 8:03:00,已取消',
  '0005,张三,二号店,¥900.25,2026/1/5 8:04:00,已付款',
]
const ALERTS = [['2026-01-05T00:04:00.000Z', '张三 paid 5134.75 in 3 orders']]

describe('an export comes through in two commands', () => {
  const csv = [HEADER, ...ORDERS].join('\r\n')
  test.each([
    ['GB18030', iconv.encode(csv, 'gb18030')],
    ['GBK, the sign of the yuan in its wide form, gzip', gzipSync(iconv.encode(csv.replaceAll('¥', '￥'), 'gbk'))],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${csv}\r\n`)],
    ['UTF-16', iconv.encode(csv, 'utf-16le', { addBOM: true })],
    ['semicolons', csv.replace(/,(?=(?:[^"]*"[^"]*")*[^"]*$)/gm, ';')],
    ['lone CR', csv.replaceAll('\r\n', '\r')],
  ])('%s', async (_, content) => {
    const { code, out, err, file, config } = await inferred('sales.csv', content)
    expect([code, err]).toEqual([0, expect.stringContaining('read with them: 5 events, 0 malformed\n')])
    expect(out).toBe(`  lapwing backtest RULES --input ${file} -c ${config}\n`)
    const played = await backtest(file, config, '--strict')
    expect(alertsOf(played)).toEqual(ALERTS)
    expect(played.err).toContain('late 0, duplicate 0, malformed 0')
  })

  test('JSON lines, with epoch seconds', async () => {
    const lines = [['订单号', 1234.5], ['x', 3000], ['y', 900.25]].map(([id, total], i) => JSON.stringify({ orderId: id, userId: 7, shop: 'S', total, status: 'paid', created_at: 1_767_571_200 + 120 * i })) // biome-ignore format: one line
    const { file, config } = await inferred('sales.jsonl', lines.join('\n'))
    expect(alertsOf(await backtest(file, config))).toEqual([['2026-01-05T00:04:00.000Z', '7 paid 5134.75 in 3 orders']])
  })

  test('the newest first: --sort is offered, and none is late with it', async () => {
    const { out, file, config } = await inferred('sales.csv', [HEADER, ...ORDERS.toReversed()].join('\n'))
    expect(out).toBe(`  lapwing backtest RULES --input ${file} --sort -c ${config}\n`)
    const unsorted = await backtest(file, config)
    expect(alertsOf(unsorted)).toEqual([])
    expect(unsorted.err).toContain('backtest --sort puts the events in order of time first')
    const sorted = await backtest(file, config, '--sort')
    expect([alertsOf(sorted), sorted.err.includes('--sort')]).toEqual([ALERTS, false])
  })

  test('the page on exports', async () => {
    const page = readFileSync(packagePath('docs/exports.md'), 'utf8')
    const block = (name: string) => page.split(`\`\`\`${name}\n`)[1]!.split('```')[0]!
    const bytes = readFileSync(packagePath('examples/export/orders.csv'))
    const shown = block('csv orders.csv').replace('…\n', '')
    expect(iconv.decode(bytes, 'gbk').replaceAll('\r\n', '\n').startsWith(shown)).toBe(true)
    const { text, file, config } = await inferred('orders.csv', bytes)
    expect(text).toBe(block('yaml lapwing.yaml'))
    expect(alertsOf(await backtest(file, config))).toEqual([
      ['2026-01-05T12:05:30.000Z', '小王 paid 5579.5 in 3 orders'],
    ])
  })
})

describe('nothing is written', () => {
  test('over a file that is there', async () => {
    const { file, config, text } = await inferred('sales.csv', [HEADER, ...ORDERS].join('\n'))
    expect(await runVerb(addInfer, 'infer', file, '-o', config)).toMatchObject({
      code: 2,
      err: expect.stringContaining(`nothing was written, for there is already ${config} and`),
    })
    expect(readFileSync(config, 'utf8')).toBe(text)
  })
  test.each([
    ['an open quote', `${HEADER}\n1,"a,b,c,d,e\n${ORDERS.join('\n')}`, /sales.csv:2: a quote opens in column 2/],
    ['no time', 'a,b\n1,x\n', /sales.csv: a stream needs a time, and none of these holds times: "a", "b"/],
    ['nothing in it', '', /sales.csv: there is no record in it/],
  ])('of %s', async (_, content, why) => {
    const { code, err, config } = await inferred('sales.csv', content)
    expect([code, existsSync(config)]).toEqual([2, false])
    expect(err).toMatch(why)
  })
  test('for want of a file, a topic, or one of the two', async () => {
    const said = async (...args: string[]) => (await runVerb(addInfer, 'infer', ...args)).err
    expect(await said()).toBe('lapwing: a file or --topic is wanted\n')
    expect(await said('a.csv', '--topic', 't')).toBe('lapwing: a file or --topic is wanted\n')
    expect(await said('-')).toMatch(/standard input cannot be/)
    expect(await said(join(root, 'none.csv'), '-o', join(root, 'none.yaml'))).toMatch(/no such file or folder/)
  })
})
