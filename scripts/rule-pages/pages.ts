import type { AlertRecord, RankingRecord } from '../../engine/model/output.ts'
import type { Entry } from './library.ts'

/** The pages of `docs/rules/` by file name: one a family, and an index. */
export function rulePages(entries: readonly Entry[]): Map<string, string> {
  const families = [...new Set(entries.map((e) => e.family))].sort()
  const pages = new Map([['README.md', index(entries, families)]])
  for (const family of families) {
    const own = entries.filter((e) => e.family === family)
    const text = `# ${titleOf(family)}\n\n${GENERATED}\n\n${own.map(section).join('\n')}`
    pages.set(`${family}.md`, text)
  }
  return pages
}

const GENERATED = '<!-- Written by `npm run rule-pages` from the rule files; change those. -->'

function index(entries: readonly Entry[], families: readonly string[]): string {
  const tables = families.map((family) => {
    const rows = entries
      .filter((e) => e.family === family)
      .map((e) => `| [${e.id}](${family}.md#${e.id}) | ${e.title} | ${folderOf(e)} |`)
    return `## ${titleOf(family)}\n\n| rule | finds | in |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return `# The rules that ship

${GENERATED}

\`rules/\` is in force where nothing else is configured: four rules and a ranking that suit any trading platform. \`library/\` is to choose from: it is checked and tested with every change, but not loaded by itself, for its rules hold events for weeks and its thresholds are those of a platform of middling size. Take what fits, with the \`lists/\` beside it:

    npx lapwing run --rules rules library/wash-trade library/life-cycle/order_lifecycle.yaml
    npx lapwing backtest library --input events.jsonl --labels labels.csv      # what would it have found

or write \`rules: [rules, library/wash-trade]\` into \`lapwing.yaml\`. Copy a rule to change it, and give the copy an id of its own. Each page shows the rule, and an alert as its own first alerting test brings it about.

${tables.join('\n')}`
}

function section(entry: Entry): string {
  const { id, title, comment, path, owner, mode, runbook, tags, yaml, features, exceptions, tests, sample } = entry
  const facts = [
    `File [${path}](../../${path})`,
    `owner ${owner}`,
    `mode ${mode}`,
    ...(tags.length > 0 ? [`tags ${tags.join(', ')}`] : []),
    ...(runbook === null ? [] : [`[runbook](${runbook})`]),
  ]
  const excepted = exceptions.map((e) => `- Exception \`${e.name}\` until ${e.until}: ${e.reason}.`)
  const read = features.map((text) => `It reads a feature:\n\n\`\`\`yaml\n${text}\n\`\`\`\n\n`).join('')
  return `## ${id}

**${title}.** ${comment}

${facts.join(' · ')}

\`\`\`yaml
${yaml}
\`\`\`

${read}${excepted.length > 0 ? `${excepted.join('\n')}\n\n` : ''}Tests: ${tests.join('; ')}.

What the test "${sample.test}" brings${'items' in sample.output ? '' : ', as it stands at its end'}:

\`\`\`json
${shown(sample.output)}
\`\`\`
`
}

/** The fields that a person asks for first; times as dates. */
function shown(output: AlertRecord | RankingRecord): string {
  if (output.kind === 'ranking') {
    const { ranking, per, as_of, items } = output
    return lines({ ranking, per, as_of: dateOf(as_of), items })
  }
  const { rule, severity, violation, key, first_seen, episodes, folded, measures, suspects, explain } = output
  return lines({
    rule,
    severity,
    ...(violation === null ? {} : { violation }),
    key,
    first_seen: dateOf(first_seen),
    episodes,
    folded,
    ...(violation === null ? { measures, suspects } : {}),
    explain,
  })
}

/** A line for each field. */
function lines(fields: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(fields).map(([name, value]) => `  "${name}": ${JSON.stringify(value)}`)
  return `{\n${rows.join(',\n')}\n}`
}

function dateOf(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

function titleOf(family: string): string {
  return `${family[0]?.toUpperCase()}${family.slice(1).replaceAll('-', ' ')}`
}

function folderOf({ path }: Entry): string {
  return `\`${path.slice(0, path.indexOf('/'))}\``
}
