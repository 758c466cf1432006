import kafkajs, { type Admin, type Message, type TopicMessages } from 'kafkajs'
import { inParts, sizeOf } from '../parts.ts'

/** Sent at once: a topic takes no more than 1 MiB by default, and kafkajs makes one batch of what it is given. */
const PART_BYTES = 512 << 10

/**
 * What the topics of a task's commits take, learned from what they refused: first their records go one by one, then
 * those as large as a refused one, or larger than the topic says it takes, are not sent any more.
 */
export class TopicSizes {
  readonly #admin: Pick<Admin, 'describeConfigs'>
  readonly #oneByOne = new Set<string>()
  /** Bytes of key and value. */
  readonly #recordMax = new Map<string, number>()

  constructor(admin: Pick<Admin, 'describeConfigs'>) {
    this.#admin = admin
  }

  fits(topic: string, message: Message): boolean {
    return sizeOf(message) <= (this.#recordMax.get(topic) ?? Number.POSITIVE_INFINITY)
  }

  parts(topicMessages: readonly TopicMessages[]): TopicMessages[][] {
    const together = topicMessages.filter(({ topic }) => !this.#oneByOne.has(topic))
    const single = topicMessages.filter(({ topic }) => this.#oneByOne.has(topic))
    return [...inParts(together, PART_BYTES), ...inParts(single, 0)]
  }

  /** A broker said that the part, or a record in it, is too large. */
  async refused(part: readonly TopicMessages[]): Promise<void> {
    const [{ topic, messages }] = part
    if (part.length > 1 || messages.length > 1) {
      for (const one of part) this.#oneByOne.add(one.topic)
      return
    }
    this.#recordMax.set(topic, Math.min(sizeOf(messages[0]) - 1, await this.#configured(topic)))
  }

  /** `max.message.bytes` of the topic; Infinity where it is not told. */
  async #configured(topic: string): Promise<number> {
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: ['max.message.bytes'] }]
    try {
      const answer = await this.#admin.describeConfigs({ resources, includeSynonyms: false })
      return Number(answer.resources[0]?.configEntries[0]?.configValue) || Number.POSITIVE_INFINITY
    } catch {
      return Number.POSITIVE_INFINITY // without the right to ask: what is refused still tells
    }
  }
}
