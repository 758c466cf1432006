import type { Message, TopicMessages } from 'kafkajs'
import type { Output } from '../../../model/output.ts'
import type { Encoder } from '../ports.ts'

export interface OutputTopic {
  readonly topic: string
  readonly partitions: number
}

export type OutputTopics = Readonly<Record<'alerts' | 'shadow' | 'rankings', OutputTopic>>

/**
 * Outputs as records, all of one task in one partition of each topic, in the order in which they were made; without those
 * that `takes` says no to.
 */
export function outputMessages(
  outputs: readonly Output[],
  taskIndex: number,
  topics: OutputTopics,
  encoder: Encoder,
  takes: (topic: string, message: Message, rule: string) => boolean,
): TopicMessages[] {
  const byTopic = new Map<string, Message[]>()
  for (const output of outputs) {
    const { topic, partitions } = topicOf(output, topics)
    const message = { ...record(output, encoder), partition: taskIndex % partitions }
    if (!takes(topic, message, output.kind === 'ranking' ? output.ranking : output.rule)) continue
    const messages = byTopic.get(topic) ?? []
    byTopic.set(topic, messages)
    messages.push(message)
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }))
}

function topicOf(output: Output, { alerts, shadow, rankings }: OutputTopics): OutputTopic {
  if (output.kind === 'ranking') return rankings
  return output.kind === 'alert' && output.mode === 'live' ? alerts : shadow
}

/** Keys: the alert's key members as JSON; a ranking's id, with its `per` values where it has some. */
function record(output: Output, encoder: Encoder): Message {
  switch (output.kind) {
    case 'alert':
      return { key: JSON.stringify(output.key), value: encoder.encodeAlert(output) }
    case 'ranking': {
      const group = Object.keys(output.per).length === 0 ? '' : ` ${JSON.stringify(output.per)}`
      return { key: `${output.ranking}${group}`, value: encoder.encodeRanking(output) }
    }
    case 'measures':
      throw new TypeError('rows of measures have no topic: tasks on Kafka do not make any')
  }
}
