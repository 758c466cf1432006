import type { Config, KafkaConfig } from '../../config.ts'
import type { GroupView } from '../../edge/kafka/group-view.ts'
import { LogView } from '../../edge/local/log-view.ts'
import type { LogRecord, RuleSource } from '../../model/block.ts'
import type { AlertRecord, Cell } from '../../model/output.ts'
import type { PastLog } from '../../model/ports.ts'
import type { Rule, SequenceRule } from '../../model/rule.ts'
import type { Stream } from '../../model/stream.ts'
import { partitionOfValue } from '../../plan/partition.ts'
import { placedBy, planExchanges } from '../../plan/plan.ts'
import { filesFor } from '../../plan/rule-files.ts'
import { compileRuleSet } from '../../rules/index.ts'

/** What `explain` reads, beside whatever engine runs: nothing is written. */
export interface ExplainSource {
  /** Records of the alerts whose id begins so, an alert's oldest first. */
  alerts(idStart: string): Promise<AlertRecord[]>
  /** The rule files in force; on Kafka EngineError INPUT_MISSING where none ever were. */
  files(): Promise<readonly RuleSource[]>
  /**
   * Where a key of a rule of `files` is; null = on Kafka: they have no such rule. EngineError INPUT_MISSING where no
   * engine has run with it; and whatever `keyOf` throws.
   */
  locate(
    files: readonly RuleSource[],
    isMeant: (rule: Rule | SequenceRule) => boolean,
    keyOf: (rule: Rule | SequenceRule) => Readonly<Record<string, Cell>>,
  ): Promise<Located | null>
}

export interface Located {
  /** What the task runs: of the rule files its own part. */
  readonly files: readonly RuleSource[]
  /** The log of the task that has the key; several where any of them may be it. */
  readonly logs: readonly ViewedLog[]
}

/** A task's log as it stands. */
export interface ViewedLog extends PastLog {
  /** What stands behind `position`. */
  after(position: number): AsyncIterable<readonly LogRecord[]>
}

/** Opens the configured log, or the local one in `data`, for `work`. EngineError INPUT_MISSING, KAFKA_UNREACHABLE, LOG_GAP. */
export async function reading<T>(
  config: Config,
  data: string | undefined,
  work: (source: ExplainSource) => Promise<T>,
): Promise<T> {
  const { log, streams } = config
  if (log.kind === 'kafka' && data === undefined) return readingKafka(config, log, work)
  const view = new LogView(config.data, streams)
  try {
    return await work(view)
  } finally {
    view.close()
  }
}

async function readingKafka<T>(
  { streams, outputs }: Config,
  connection: KafkaConfig,
  work: (source: ExplainSource) => Promise<T>,
): Promise<T> {
  const { GroupView } = await import('../../edge/kafka/group-view.ts')
  const { serviceLogger } = await import('../service/serve.ts')
  const { OutputDecoder } = await import('../../edge/registry/output-decoder.ts')
  return GroupView.with(connection, serviceLogger(), (view) => {
    const decoder = new OutputDecoder('alert')
    return work({
      files: async () => (await view.rules()).files,
      locate: (files, isMeant, keyOf) => locate(view, streams, files, isMeant, keyOf),
      async alerts(idStart) {
        const found: AlertRecord[] = []
        for await (const value of view.values([outputs.alerts, outputs.shadow])) {
          const alert = decoder.decode(value) as AlertRecord
          if (alert.alert_id.startsWith(idStart)) found.push(JSON.parse(JSON.stringify(alert)))
        }
        return found.sort((a, b) => a.revision - b.revision)
      },
    })
  })
}

/** By the value of a member of the key, where that decides the partition; otherwise every partition may have it. */
async function locate(
  view: GroupView,
  streams: readonly Stream[],
  ...[whole, isMeant, keyOf]: Parameters<ExplainSource['locate']>
): Promise<Located | null> {
  const compiled = compileRuleSet(whole, { streams })
  if (!compiled.ok) return null
  const { rules, sequences } = compiled.set
  const rule = [...rules, ...sequences].find(isMeant)
  if (!rule) return null
  const carries = (set: typeof compiled.set) => set.rules.includes(rule as Rule) || set.sequences.includes(rule as SequenceRule) // biome-ignore format: one step
  const exchange = planExchanges(compiled.set, streams).find(({ set }) => carries(set))!
  const key = keyOf(rule)
  const count = await view.partitions(exchange.id)
  const member = placedBy(rule, exchange)
  const partitions =
    member === null ? Array.from({ length: count }, (_, n) => n) : [partitionOfValue(key[member], count)]
  const logs = partitions.map((partition) => view.task(exchange.id, partition, streams))
  return { files: filesFor(whole, exchange, streams), logs }
}
