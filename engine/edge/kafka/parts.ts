import type { Message, TopicMessages } from 'kafkajs'

/**
 * The same messages in parts of at most `bytesMax` of keys and values, or one message; those of a topic stay in order.
 * kafkajs makes one record batch of what a send brings for a partition, and a topic takes none above its `max.message.bytes`.
 */
export function inParts(topicMessages: readonly TopicMessages[], bytesMax: number): TopicMessages[][] {
  const parts: TopicMessages[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const { topic, messages } of topicMessages) {
    let last: Message[] | null = null
    for (const message of messages) {
      const size = sizeOf(message)
      if (bytes + size > bytesMax) {
        parts.push([])
        bytes = 0
        last = null
      }
      if (!last) {
        last = []
        parts[parts.length - 1].push({ topic, messages: last })
      }
      last.push(message)
      bytes += size
    }
  }
  return parts
}

/** Bytes of key and value. */
export function sizeOf({ key, value }: Message): number {
  return Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? '')
}
