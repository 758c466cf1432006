import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { packagePath } from '../../engine/kit/package-path.ts'
import type { AlertRecord, RankingRecord } from '../../engine/model/output.ts'
import type { Entry } from './library.ts'

interface Kind {
  readonly title: string
  readonly rule: string
  /** In examples/six-kinds. */
  readonly input: string
  readonly text: string
}

const KINDS: readonly Kind[] = [
  {
    title: 'Concentration',
    rule: 'shop_order_concentration',
    input: 'concentration.csv',
    text: 'How much stands on how few. Two measures and their ratio over a sliding window, with a floor under the numbers. The rule is asked again when an order *leaves* the window: that an honest order of an hour ago is gone can be what makes the rest look odd.',
  },
  {
    title: 'Own baseline',
    rule: 'shop_orders_above_usual',
    input: 'baseline.csv',
    text: 'A key against itself. The baseline takes the number at the end of each whole day before today; fewer than five such days, and the rule abstains. Here a shop has four to six orders a day for a week, and then one every five minutes.',
  },
  {
    title: 'Off-market pair',
    rule: 'offmarket_pair',
    input: 'pair.csv',
    text: 'Two fields as one key, and a value made of each event by `let`. Where the two may change sides, `unordered(a, b)` makes one key of both directions (`ping_pong_item`, `offmarket_pair_both_ways` in the library).',
  },
  {
    title: 'Device burst',
    rule: 'device_burst',
    input: 'burst.csv',
    text: 'Different values within a short time. An order without a device has no key, and is left out (and counted).',
  },
  {
    title: 'Life cycle',
    rule: 'order_lifecycle',
    input: 'life-cycle.csv',
    text: 'What should have happened and did not, what happened too early, and steps that must not follow each other. Nothing has to arrive for an alert about something that is missing: the clock of the stream is enough. Order O1 is fine, O2 is paid and not delivered, O3 is delivered first, O4 is cancelled after delivery.',
  },
  {
    title: 'Ranking',
    rule: 'hot_items',
    input: 'ranking.csv',
    text: 'The first places of each category, at every step, exact, from the window just before it. One user gives an item at most 20 points: U1 views I1 forty times, three others buy I2.',
  },
]

/** `docs/six-kinds.md`: each kind with its rule, its input and what `lapwing run` makes of it. */
export async function sixKindsPage(entries: readonly Entry[]): Promise<string> {
  const parts = await Promise.all(KINDS.map((kind) => section(kind, entries.find((e) => e.id === kind.rule) as Entry)))
  return `# Six kinds of rule

<!-- Written by \`npm run rule-pages\`: rules from their files, output from real runs; change scripts/rule-pages/six-kinds.ts. -->

What rules can ask, one of each kind, with a small input that stands in \`examples/six-kinds\` and what the engine makes of it. All rules that ship are in [rules/](rules/README.md); the measures in [rules-measures.md](rules-measures.md), sequences in [rules-sequences.md](rules-sequences.md).

The output is that of the command above it: of each alert the record that opens it and those that raise its severity, without its longest fields; of the ranking the first minute.

${parts.join('\n')}`
}

async function section({ title, input, text }: Kind, entry: Entry): Promise<string> {
  const args = ['run', '--rules', entry.path, '--input', `examples/six-kinds/${input}`]
  return `## ${title}

**${entry.title}** (\`${entry.id}\`, [${entry.path}](../${entry.path})). ${text}

\`\`\`yaml
${entry.yaml}
\`\`\`

    $ npx lapwing ${args.join(' ')}

\`\`\`json
${await outputOf(args)}
\`\`\`
`
}

async function outputOf(args: readonly string[]): Promise<string> {
  const tsx = packagePath('node_modules/tsx/dist/esm/index.mjs')
  const command = ['--import', tsx, packagePath('engine/main.ts'), ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { cwd: packagePath('.'), timeout: 60_000 })
  const outputs = stdout
    .trim()
    .split('\n')
    .map((line): AlertRecord | RankingRecord => JSON.parse(line))
  const rankings = outputs.filter((o) => o.kind === 'ranking')
  if (rankings.length > 0) return [rankings[0], rankings[1]].map((r) => JSON.stringify(r)).join('\n')
  return rises(outputs.filter((o) => o.kind === 'alert'))
    .map((a) => JSON.stringify(shortened(a)))
    .join('\n')
}

/** The record that opens an alert, and those that raise its severity. */
function rises(alerts: readonly AlertRecord[]): AlertRecord[] {
  const severities = new Map<string, string>()
  return alerts.filter(({ alert_id, severity }) => {
    const isNew = severities.get(alert_id) !== severity
    severities.set(alert_id, severity)
    return isNew
  })
}

function shortened(alert: AlertRecord): Partial<AlertRecord> {
  const { revision, status, rule, severity, violation, key, event_time, folded, measures, suspects, explain } = alert
  const found = violation === null ? { measures, suspects } : { violation }
  return { revision, status, rule, severity, key, event_time, folded, ...found, explain }
}
