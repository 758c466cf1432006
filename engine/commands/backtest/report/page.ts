import { ANY_ROW, GOOD_ROW, type LabelScore } from '../../finite/labels.ts'
import { type SweepRow, settingName } from '../sweep.ts'
import { percent } from '../table.ts'
import { overTime } from './over-time.ts'
import { STYLE } from './style.ts'
import { barChart, type CurvePoint, curveChart, escaped, NARROW, WIDE } from './svg.ts'

/** A backtest as one HTML file: nothing is fetched, no script runs. The same backtest gives the same page. */
export function reportPage(rows: readonly SweepRow[]): string {
  const title = `Backtest of ${rulesOf(rows).length === 1 ? rulesOf(rows)[0] : counted(rulesOf(rows).length, 'rule')}`
  const sections = [heading(title, rows), ...(rows.length > 1 ? [sweep(rows)] : []), ...labels(rows), ...rules(rows)]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body><main>
${sections.join('\n')}
</main></body>
</html>
`
}

function heading(title: string, rows: readonly SweepRow[]): string {
  const { played, input } = rows[0]!.run
  const { counters } = played
  const span = played.toMs >= played.fromMs ? `${iso(played.fromMs)} to ${iso(played.toMs)} UTC` : 'no events'
  const alerts = range(rows.map((row) => row.alerts))
  const tiles: [string, string][] = [
    [whole(played.rows), 'events'],
    [alerts, 'alerts'],
    [range(rows.map((row) => row.alertsPerDay)), 'alerts a day'],
    [range(rows.map((row) => row.keys)), 'keys with alerts'],
    [whole(counters.total('late_total')), 'late events'],
    [whole(input.malformed + input.ahead), 'malformed or far ahead'],
  ]
  return `<header><h1>${escaped(title)}</h1><p class="lead">${escaped(input.name)}, ${span}</p></header>
<ul class="tiles">${tiles.map(([value, name]) => `<li><b>${value}</b><span>${name}</span></li>`).join('')}</ul>`
}

function sweep(rows: readonly SweepRow[]): string {
  const bars = rows.map((row) => ({ name: shortName(row.values), value: row.alerts }))
  const body = rows.map((row) => [
    settingName(row.values),
    whole(row.alerts),
    row.alertsPerDay.toFixed(1),
    whole(row.keys),
    whole(row.abstained),
    ...row.shared.map(whole),
  ])
  const params = escaped(Object.keys(rows[0]!.values).join(' / '))
  const shared = rows.map((row) => `also in ${shortName(row.values)}`)
  const head = ['setting', 'alerts', 'a day', 'keys', 'abstained', ...shared]
  return `<section><h2>Settings</h2>
${figure(`Alerts by ${params}`, barChart(bars, `Alerts by ${params}: ${bars.map((b) => `${b.name} ${b.value}`).join(', ')}`, WIDE))}
${table('A row for each setting. “Also in”: keys with an alert under that setting too.', head, body)}</section>`
}

function labels(rows: readonly SweepRow[]): string[] {
  if (rows[0]!.run.scores.length === 0) return []
  const points: CurvePoint[] = rows.flatMap(({ values, run }) => {
    const any = run.scores.find((s) => s.label === ANY_ROW)
    if (!any || any.precision === null) return []
    return [{ name: shortName(values) || 'this run', recall: any.recall, precision: any.precision }]
  })
  const said = points.map((p) => `${p.name}: recall ${percent(p.recall)}, precision ${percent(p.precision)}`).join('; ')
  const curve = points.length === 0 ? '' : figure('Precision and recall of flagged events', curveChart(points, said))
  const tables = rows.map(({ values, run }) => {
    const name = settingName(values)
    const caption = `Events by label${name === '' ? '' : ` with ${name}`}. Groups: rings, bursts, crowds of which an event was flagged.`
    return table(caption, ['label', 'events', 'flagged', 'recall', 'precision', 'groups'], run.scores.map(labelCells))
  })
  return [`<section><h2>Labels</h2>${curve}${tables.join('')}</section>`]
}

function labelCells(score: LabelScore): string[] {
  const { label, events, flagged, recall, precision, groups, groupsFound } = score
  const isGood = label === GOOD_ROW
  const found = groups === 0 ? '-' : `${groupsFound} of ${groups}`
  return [label, whole(events), whole(flagged), isGood ? '-' : percent(recall), percent(precision), found]
}

function rules(rows: readonly SweepRow[]): string[] {
  return rows.map(({ values, run }) => {
    const name = settingName(values)
    const { fromMs, toMs } = run.played
    const found = [...run.summary.rules].sort(([a], [b]) => (a < b ? -1 : 1))
    const endMs = found.reduce((end, [, { openedMs }]) => Math.max(end, openedMs.at(-1) ?? end), toMs)
    const charts = found.map(([rule, { openedMs }]) => {
      const { unit, bars } = overTime(openedMs, fromMs, endMs)
      const label = `${rule}: ${openedMs.length} alerts, at most ${Math.max(...bars.map((b) => b.value))} ${unit}`
      return `<div class="card"><h3>${escaped(rule)}</h3><figure><figcaption>Alerts opened ${unit}, UTC</figcaption>${barChart(bars, label, NARROW)}</figure></div>`
    })
    const body = found.map(([rule, { openedMs, keys, severities }]) => [
      rule,
      whole(openedMs.length),
      whole(keys.size),
      [...severities].map(([severity, count]) => `${severity} ${count}`).join(', '),
    ])
    const list = table(
      'Alerts by rule, with the severity they opened with.',
      ['rule', 'alerts', 'keys', 'severity'],
      body,
    )
    const content = found.length === 0 ? '<p>No alerts.</p>' : `<div class="cards">${charts.join('')}</div>${list}`
    return `<section><h2>Rules${name === '' ? '' : ` with ${escaped(name)}`}</h2>${content}</section>`
  })
}

function figure(caption: string, chart: string): string {
  return `<figure class="card"><figcaption>${caption}</figcaption>${chart}</figure>`
}

/** The first column names the row; cells that are numbers stand to the right. */
function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const isNumber = head.map((_, c) => c > 0 && rows.every((row) => /^[-\d.,% of]+$/.test(row[c]!)))
  const side = (c: number) => (isNumber[c] ? ' class="number"' : '')
  const names = head.map((name, c) => `<th scope="col"${side(c)}>${escaped(name)}</th>`).join('')
  const lines = rows.map((row) => {
    const cells = row.map((cell, c) =>
      c === 0 ? `<th scope="row">${escaped(cell)}</th>` : `<td${side(c)}>${escaped(cell)}</td>`,
    )
    return `<tr>${cells.join('')}</tr>`
  })
  return `<div class="card scroll" style="margin-top:16px" tabindex="0" role="group" aria-label="${escaped(caption)}"><table><caption>${escaped(caption)}</caption><thead><tr>${names}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`
}

function rulesOf(rows: readonly SweepRow[]): string[] {
  return [...new Set(rows.flatMap(({ run }) => run.ruleNames))]
}

function shortName(values: SweepRow['values']): string {
  return Object.values(values).join('/')
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((v) => whole(Math.round(v)))
  return least === most ? least! : `${least}–${most}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}s`
}

function whole(value: number): string {
  return value.toLocaleString('en-US')
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ')
}
