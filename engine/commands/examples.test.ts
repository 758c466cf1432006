import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { loadConfig } from '../config.ts'
import { packagePath } from '../kit/package-path.ts'
import type { MeasuresRecord, RankingRecord } from '../model/output.ts'

const example = (path: string): string => packagePath(`examples/${path}`)
const cards = packagePath('../shared/data/card-transactions-7d.csv.gz')

function lapwing(args: readonly string[]): string {
  const options = {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  } satisfies ExecFileSyncOptions
  return execFileSync('npx', ['tsx', packagePath('engine/main.ts'), ...args], options)
}

function csv(text: string): Record<string, string>[] {
  const [head, ...rows] = text.trim().split(/\r?\n/)
  const names = head.split(',')
  return rows.map((row) => Object.fromEntries(row.split(',').map((cell, i) => [names[i], cell])))
}

test('Nexmark query 5: the 17 published rows, no other', () => {
  const folder = 'nexmark-q5'
  const config = ['-c', example(`${folder}/lapwing.yaml`)]
  const input = ['--input', example(`${folder}/bids.csv`), '--stream', 'bids']
  const rankings = lapwing(['backtest', example(`${folder}/q5.yaml`), ...config, ...input])
    .trim()
    .split('\n')
    .map((line): RankingRecord => JSON.parse(line))
  const rows = rankings.flatMap(({ items }) => items.map(({ id, score }) => `${id},${score}`)).sort()
  const golden = csv(readFileSync(example(`${folder}/golden_q5.csv`), 'utf8')).map(
    ({ auction, num }) => `${auction},${num}`,
  )
  expect(golden).toHaveLength(17)
  expect(rows).toEqual(golden.sort())
}, 60_000)

test('a stream of its own beside those that ship, and a sequence over it', () => {
  const args = ['test', example('accounts/rules.yaml'), '-c', example('accounts/lapwing.yaml'), '--min-tests', '2']
  expect(lapwing(args)).toBe('2 of 2 tests passed, of 1 rule\n')
  const { streams } = loadConfig({ path: example('accounts/lapwing.yaml') })
  expect(streams.map(({ name }) => name)).toEqual(['transactions', 'behavior', 'accounts'])
}, 60_000)

/** The rules of examples/cards counted anew for each payment, from plain lists. Amounts in cents. */
function flaggedByHand(payments: readonly Record<string, string>[]): Record<string, string[]> {
  const weekS = 7 * 86_400
  const byCustomer = new Map<string, { s: number; cents: number }[]>()
  const byTerminal = new Map<string, { s: number; cents: number }[]>()
  const flagged: Record<string, string[]> = {
    customer_amount_jump: [],
    terminal_large_share: [],
    very_large_payment: [],
  }
  const windowOf = (lists: typeof byCustomer, key: string, payment: { s: number; cents: number }) => {
    const list = (lists.get(key) ?? []).filter((p) => p.s > payment.s - weekS)
    list.push(payment)
    lists.set(key, list)
    return list
  }
  for (const { tx_id, event_time, customer, terminal, amount } of payments) {
    const payment = { s: Number(event_time), cents: Math.round(Number(amount) * 100) }
    const own = windowOf(byCustomer, customer, payment)
    const others = own.reduce((sum, p) => sum + p.cents, -payment.cents)
    if (own.length > 3 && payment.cents * (own.length - 1) >= 3 * others) flagged.customer_amount_jump.push(tx_id)
    const there = windowOf(byTerminal, terminal, payment)
    const large = there.filter((p) => p.cents > 15_000).length
    if (there.length >= 4 && large * 10 >= there.length * 3) flagged.terminal_large_share.push(tx_id)
    if (payment.cents > 22_000) flagged.very_large_payment.push(tx_id)
  }
  return flagged
}

test.skipIf(!existsSync(cards))(
  'card payments: every flag equals a count by hand (needs shared/data)',
  () => {
    const text = gunzipSync(readFileSync(cards)).toString('utf8')
    const payments = csv(text)
    const common = ['backtest', example('cards/rules.yaml'), '-c', example('cards/lapwing.yaml'), '--input', cards]
    const measures = lapwing([...common, '--measures', '--only', 'measures'])
      .trim()
      .split('\n')
    const flagged: Record<string, string[]> = {
      customer_amount_jump: [],
      terminal_large_share: [],
      very_large_payment: [],
    }
    for (const line of measures) {
      const record: MeasuresRecord = JSON.parse(line)
      if (record.matched) flagged[record.rule].push(record.event_id)
    }
    expect(flagged).toEqual(flaggedByHand(payments))
  },
  120_000,
)

test('labels: recall and precision per label are printed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-labels-'))
  const input = join(folder, 'cards.csv')
  const rows = [10, 11, 12, 13, 60, 14].map((amount, i) => `T${i},${1_533_081_600 + i * 60},C1,M${i},${amount}`)
  writeFileSync(input, ['tx_id,event_time,customer,terminal,amount', ...rows].join('\n'))
  writeFileSync(join(folder, 'labels.csv'), 'event_id,label\nT4,3\nT5,3\nT0,0\n')
  const args = [
    'backtest',
    example('cards/rules.yaml'),
    '-c',
    example('cards/lapwing.yaml'),
    '--input',
    input,
    '--labels',
    join(folder, 'labels.csv'),
  ]
  const { stderr } = spawn(args)
  expect(stderr).toMatch(/3\s+2\s+1\s+50\.0%\s+100\.0%/)
}, 60_000)

function spawn(args: readonly string[]): { stderr: string } {
  const shell = ['-c', '"$@" 2>&1 >/dev/null', 'sh', 'npx', 'tsx', packagePath('engine/main.ts'), ...args]
  return { stderr: execFileSync('sh', shell, { encoding: 'utf8' }) }
}
