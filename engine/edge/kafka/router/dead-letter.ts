import type { Message } from 'kafkajs'
import type { SourcePosition } from '../../../model/output.ts'
import type { BadSource } from './merged.ts'

/** Of what is said in a header. */
const DETAIL_CHARS_MAX = 2_000

/**
 * The record for the dead-letter topic: key, value and headers untouched, Kafka Connect's `__connect.errors.*` headers
 * added, and `lapwing.reason` with our own code.
 */
export function deadLetter({ lane, message, why }: BadSource, group: string): Message {
  const { key, value, headers, offset } = message
  const { topic, partition } = lane
  return {
    key: key ?? null,
    value,
    headers: { ...headers, ...letterHeaders({ topic, partition, offset }, why, group) },
  }
}

/** Where it came from and why it is here. */
export function letterHeaders(
  { topic, partition, offset }: SourcePosition,
  { reason, detail }: { readonly reason: string; readonly detail: string },
  group: string,
): Record<string, string> {
  const connect: Readonly<Record<string, string>> = {
    topic,
    partition: String(partition),
    offset: String(offset),
    'connector.name': group,
    'task.id': '0',
    stage: 'VALUE_CONVERTER',
    'class.name': 'lapwing.router',
    'exception.class.name': `lapwing.${reason}`,
    'exception.message': detail.slice(0, DETAIL_CHARS_MAX),
  }
  const added = Object.entries(connect).map(([name, text]) => [`${CONNECT}${name}`, text])
  return { ...Object.fromEntries(added), [REASON]: reason }
}

const CONNECT = '__connect.errors.'
const REASON = 'lapwing.reason'

/** The same without its value, where the topic does not take records of that size. */
export function withoutValue(message: Message): Message {
  const size = message.value === null ? 0 : Buffer.byteLength(message.value)
  return { ...message, value: null, headers: { ...message.headers, 'lapwing.value.dropped': `${size} bytes` } }
}

/** What is left where the topic does not take that either: where it came from, and why. Its place is its key. */
export function bareLetter(message: Message): Message {
  const headers = withoutValue(message).headers!
  const own = Object.entries(headers).filter(([name]) => name.startsWith(CONNECT) || OWN.includes(name))
  const of = (name: string) => String(headers[`${CONNECT}${name}`])
  const keyBytes = message.key == null ? 0 : Buffer.byteLength(message.key)
  return {
    key: `${of('topic')}/${of('partition')}@${of('offset')}`,
    value: null,
    headers: {
      ...Object.fromEntries(own),
      'lapwing.key.dropped': `${keyBytes} bytes`,
      'lapwing.headers.dropped': `${Object.keys(headers).length - own.length} headers`,
    },
  }
}

const OWN: readonly string[] = [REASON, 'lapwing.value.dropped']
