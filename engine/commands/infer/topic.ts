import type { KafkaConfig } from '../../config.ts'
import { isObject, type JsonObject, jsonObject } from '../../edge/registry/formats/json-object.ts'
import { own } from '../../kit/own.ts'
import { EngineError } from '../../model/errors.ts'
import { serviceLogger } from '../service/serve.ts'
import { count } from './draft.ts'
import { ROWS_MAX, type Table, tableOfObjects } from './table.ts'

/** Of each partition are read at most so many records, the newest. */
const RECORDS_MAX = 5_000

/** The newest records of a topic of JSON objects. KAFKA_UNREACHABLE, INPUT_MISSING, INPUT_MALFORMED. */
export async function topicTable(topic: string, connection: KafkaConfig): Promise<Table> {
  const { SourceReader } = await import('../../edge/kafka/source-reader.ts')
  const reader = await SourceReader.open(connection, serviceLogger(), [topic])
  const objects: JsonObject[] = []
  let [malformed, why] = [0, '']
  try {
    for (const stretch of await reader.stretches(topic, 0)) {
      const newest = { ...stretch, from: Math.max(stretch.from, stretch.end - RECORDS_MAX) }
      for await (const records of reader.read(newest))
        for (const { value } of records) {
          if (value === null || objects.length >= ROWS_MAX) continue
          const read = jsonObject(value, 0, value.length)
          if ('object' in read) objects.push(read.object)
          else [malformed, why] = [malformed + 1, read.bad.detail]
        }
    }
  } finally {
    await reader.close()
  }
  if (objects.length === 0) {
    const found = malformed === 0 ? 'there are no records in it' : `none of ${count(malformed)} records is one: ${why}`
    throw new EngineError('INPUT_MALFORMED', `${topic}: JSON objects are wanted, and ${found}`)
  }
  refuseChanges(topic, objects)
  return tableOfObjects(objects, malformed)
}

const CHANGES: readonly (readonly [tool: string, is: (object: JsonObject) => boolean])[] = [
  ['debezium', (o) => isEnvelope(o) || (isObject(own(o, 'payload')) && isEnvelope(own(o, 'payload') as JsonObject))],
  ['canal', (o) => 'isDdl' in o && 'data' in o],
  ['maxwell', (o) => isObject(own(o, 'data')) && 'database' in o && 'table' in o],
]

function isEnvelope(object: JsonObject): boolean {
  return 'op' in object && 'after' in object
}

/** Changes of a table need more than their columns to be events. */
function refuseChanges(topic: string, objects: readonly JsonObject[]): void {
  const tool = CHANGES.find(([, is]) => objects.every(is))?.[0]
  if (tool === undefined) return
  throw new EngineError(
    'INPUT_MALFORMED',
    `${topic}: its records are changes of a table, "format: ${tool}": docs/streams.md tells how to say which of them are events`,
  )
}
