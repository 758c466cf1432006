import type { Message } from 'kafkajs'
import type { BadSource } from './merged.ts'

/**
 * The record for the dead-letter topic: key, value and headers untouched, Kafka Connect's `__connect.errors.*` headers
 * added, and `lapwing.reason` with our own code.
 */
export function deadLetter({ lane, message, why }: BadSource, group: string): Message {
  const { key, value, headers, offset } = message
  const { reason, detail } = why
  const connect: Readonly<Record<string, string>> = {
    topic: lane.topic,
    partition: String(lane.partition),
    offset: String(offset),
    'connector.name': group,
    'task.id': '0',
    stage: 'VALUE_CONVERTER',
    'class.name': 'lapwing.router',
    'exception.class.name': `lapwing.${reason}`,
    'exception.message': detail,
  }
  const added = Object.entries(connect).map(([name, text]) => [`__connect.errors.${name}`, text])
  return { key: key ?? null, value, headers: { ...headers, ...Object.fromEntries(added), 'lapwing.reason': reason } }
}

/** The same without its value, where the topic does not take records of that size. */
export function withoutValue(message: Message): Message {
  const size = message.value === null ? 0 : Buffer.byteLength(message.value)
  return { ...message, value: null, headers: { ...message.headers, 'lapwing.value.dropped': `${size} bytes` } }
}
