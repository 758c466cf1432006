import { LogView } from '../../edge/local/log-view.ts'
import { Counters } from '../../model/counters.ts'
import { EngineError } from '../../model/errors.ts'
import type { AlertRecord, Cell, MeasureValue } from '../../model/output.ts'
import { type Rule, SEVERITIES } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { rebuild } from '../../task/step.ts'
import { Task } from '../../task/task.ts'
import { type Clause, clauseReaders } from './clauses.ts'

/** What a rule knows of one key at the end of the log. */
export interface LiveKey {
  readonly rule: string
  readonly key: Readonly<Record<string, Cell>>
  /** Clock of the rule, epoch ms; null before the first event. */
  readonly at: number | null
  readonly measures: Readonly<Record<string, MeasureValue>>
  readonly clauses: readonly Clause[]
  /** The alert that is open on the key. */
  readonly alert: Pick<AlertRecord, 'alert_id' | 'severity' | 'first_seen'> | null
}

/**
 * Builds the state again beside whatever engine runs, from the records that it has, and looks at one key. EngineError
 * USAGE when the rule is not in force there.
 */
export async function liveKey(
  folder: string,
  streams: readonly Stream[],
  isMeant: (rule: { id: string; version: number }) => boolean,
  key: Readonly<Record<string, string>>,
): Promise<LiveKey> {
  const log = new LogView(folder, streams)
  try {
    const task = new Task({ streams, counters: new Counters(), finite: false })
    const position = await rebuild(task, log)
    const sink = { output: () => {}, change: () => {} }
    for await (const records of log.after(position)) for (const record of records) task.process(record, sink)
    const plan = task.core.layout.rules.find(({ rule }) => isMeant(rule))
    if (!plan) throw notInForce(task, isMeant)
    const { rule } = plan
    const values = rule.by.map((name) => cellOf(name, key, rule, streams))
    const { core } = task
    core.context.setKey(core.layout.spaces[plan.space]!, core.slotOfKey(plan, values))
    const named = Object.fromEntries(rule.by.map((name, i) => [name, values[i]!]))
    const open = core.alerts.open().find((a) => a.rule === rule.id && a.version === rule.version && same(a.key, named))
    return {
      rule: `${rule.id}@${rule.version}`,
      key: named,
      at: Number.isFinite(task.streamMs) ? task.streamMs - rule.settleMs : null,
      measures: Object.fromEntries(plan.measures.map(({ name, read }) => [name, read() ?? null])),
      clauses: clauseReaders(rule.when, plan.scope, false).map((read) => read()),
      alert: open ? { alert_id: open.id, severity: SEVERITIES[open.severity]!, first_seen: open.firstSeenMs } : null,
    }
  } finally {
    log.close()
  }
}

function notInForce(task: Task, isMeant: (rule: { id: string; version: number }) => boolean): EngineError {
  const sequence = task.ruleSet.sequences.find(isMeant)
  if (sequence) {
    const name = `${sequence.id}@${sequence.version}`
    return new EngineError('USAGE', `${name} is a sequence: it has no measures, and its alerts name their steps`)
  }
  const names = task.ruleSet.rules.map((rule) => `${rule.id}@${rule.version}`)
  const there = names.length === 0 ? 'no rules are' : `there are ${names.join(', ')}`
  return new EngineError('USAGE', `the rule is not in force on this log; ${there}`)
}

/** A key's part as its field holds it. EngineError USAGE when it is not given, or no such thing. */
function cellOf(name: string, key: Readonly<Record<string, string>>, rule: Rule, streams: readonly Stream[]): Cell {
  const text = key[name]
  if (text === undefined) throw new EngineError('USAGE', `--key ${name}=… is wanted: ${rule.id} groups by ${rule.by.join(', ')}`) // biome-ignore format: one step
  const own = rule.lets.find((l) => l.name === name)
  const kind = own ? own.type : streams.flatMap((s) => s.fields).find((f) => f.name === name)?.kind
  if (kind === 'string') return text
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true'
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number))
    throw new EngineError('USAGE', `--key ${name}=${text}: it is a ${kind}`)
  return number
}

function same(a: Readonly<Record<string, Cell>>, b: Readonly<Record<string, Cell>>): boolean {
  return Object.entries(a).every(([name, value]) => b[name] === value)
}
