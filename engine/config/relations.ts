import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatDuration } from '../kit/duration.ts'
import { packagePath } from '../kit/package-path.ts'
import { systemText } from '../kit/system-error.ts'
import { checkStream, type StreamFault } from '../model/avro.ts'
import { type Stream, typeMatches } from '../model/stream.ts'
import { didYouMean } from '../rules/source/suggest.ts'
import { capturedOf, typesOf } from './captured.ts'
import { checkMapping, mappingOf } from './mapping.ts'
import type { Settings } from './settings.ts'
import type { Sections, StreamShape } from './shape.ts'

const KEY_OF_PART: Readonly<Record<StreamFault['part'], string>> = {
  avro: 'schema',
  timeField: 'time',
  timeFormat: 'time',
  idField: 'id',
  type: 'type',
  types: 'types',
  determines: 'determines',
}
const MAX_AHEAD_MS = 30_000

/** The stream that a checked shape describes, its schema read from `folder` or the package; null on a fault. */
export function streamOf(name: string, shape: StreamShape, folder: string, settings: Settings): Stream | null {
  const path = (...keys: string[]) => ['streams', name, ...keys]
  const { type, lateness: latenessMs, max_ahead, determines, format } = shape
  const types = typesOf(shape)
  const before = settings.issues.length
  const captured = capturedOf(name, shape, settings)
  const mapping = mappingOf(shape)
  // Not given, it shrinks with lateness; given, it must fit.
  const maxAheadMs = max_ahead ?? Math.min(MAX_AHEAD_MS, Math.floor(latenessMs / 4))
  if (max_ahead !== undefined && max_ahead > 0 && max_ahead >= latenessMs / 2)
    settings.fault(
      'out-of-range',
      path('max_ahead'),
      'value',
      `max_ahead must be below half of lateness, which is ${formatDuration(latenessMs)}`,
    )
  if (typeof type === 'string' && types.length === 0)
    settings.fault(
      'missing-key',
      path('types'),
      'value',
      `stream "${name}" must say which types it carries, in "types"`,
    )
  if (typeof type !== 'string' && shape.types.length > 0)
    settings.fault('wrong-value', path('types'), 'value', 'a stream with one fixed type has no "types"')
  const avro = readSchema(name, shape.schema, folder, settings)
  if (avro === undefined) return null
  const { stream, faults } = checkStream({
    name,
    topic: shape.topic,
    timeField: shape.time,
    timeFormat: shape.time_format,
    ...(shape.zone !== undefined && { zone: shape.zone }),
    ...(shape.encoding !== undefined && shape.encoding !== 'utf-8' && { encoding: shape.encoding }),
    idField: shape.id,
    type: typeof type === 'string' ? { field: type } : type,
    types,
    latenessMs,
    maxAheadMs,
    dedupeMs: shape.dedupe,
    determines,
    avro,
    ...(shape.schema_id !== undefined && { schemaId: shape.schema_id }),
    ...(shape.max_text_bytes !== undefined && { textBytesMax: shape.max_text_bytes }),
    ...(format !== 'avro' && { format }),
    ...(captured && { captured }),
    ...(mapping && { mapping }),
    ...(shape.delimiter !== ',' && { delimiter: shape.delimiter }),
  })
  if (faults.length === 0) checkMapping(stream, settings)
  const columns = [...columnsOf(avro), ...Object.keys(mapping?.columns ?? {})]
  for (const column of Object.keys(captured?.decimals ?? {}))
    if (faults.length === 0 && !columns.includes(column))
      settings.fault(
        'unknown-field',
        path('decimals', column),
        'key',
        `"${column}" is not a field of the schema, nor an alias of one`,
        didYouMean(column, columns),
      )
  for (const { part, message, name: wrong, known } of faults) {
    const code = wrong === undefined ? 'wrong-value' : 'unknown-field'
    settings.fault(
      code,
      path(KEY_OF_PART[part]),
      'value',
      message,
      wrong === undefined ? null : didYouMean(wrong, known!),
    )
  }
  return settings.issues.length === before ? stream : null
}

/** The names of a schema's fields, and those that they go by elsewhere. */
function columnsOf(avro: unknown): string[] {
  const { fields = [] } = (avro ?? {}) as { fields?: readonly { name: string; aliases?: readonly string[] }[] }
  return fields.flatMap(({ name, aliases = [] }) => [name, ...aliases])
}

function readSchema(name: string, file: string, folder: string, settings: Settings): unknown {
  const fault = (what: string) =>
    settings.fault('wrong-value', ['streams', name, 'schema'], 'value', `${file}: ${what}`)
  let text: string | null = null
  // Beside the configuration, then among what ships.
  for (const path of [resolve(folder, file), packagePath(file)]) {
    try {
      text = readFileSync(path, 'utf8')
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return fault(systemText(error))
    }
  }
  if (text === null) return fault('there is no such file')
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    return fault(`not JSON: ${(error as Error).message}`)
  }
}

/** What must hold between streams, and between them and the outputs. */
export function checkTogether(
  streams: readonly Stream[],
  outputs: Sections['outputs'] | null,
  settings: Settings,
): void {
  const claims: { stream: Stream; pattern: string; path: string[] }[] = []
  for (const stream of streams) {
    const patterns = 'fixed' in stream.type ? [stream.type.fixed] : stream.types
    const path = ['streams', stream.name, 'fixed' in stream.type ? 'type' : 'types']
    patterns.forEach((pattern, i) => {
      const other = claims.find((claim) => overlap(claim.pattern, pattern))
      const at = patterns === stream.types ? [...path, String(i)] : path
      if (other)
        settings.fault(
          'duplicate-name',
          at,
          'value',
          `the type "${pattern}" is claimed by stream "${other.stream.name}" too`,
        )
      claims.push({ stream, pattern, path: at })
    })
  }
  const owners = new Map<string, string>()
  const claimTopic = (topic: string, owner: string, path: string[]) => {
    const other = owners.get(topic)
    if (other) settings.fault('duplicate-name', path, 'value', `the topic "${topic}" is that of ${other} too`)
    else owners.set(topic, owner)
  }
  for (const stream of streams) claimTopic(stream.topic, `stream "${stream.name}"`, ['streams', stream.name, 'topic'])
  for (const [key, topic] of Object.entries(outputs ?? {})) claimTopic(topic, `outputs.${key}`, ['outputs', key])
}

/** Can one type be meant by both? Each is an exact name, or a beginning with a final `*`. */
function overlap(a: string, b: string): boolean {
  const start = (pattern: string) => (pattern.endsWith('*') ? pattern.slice(0, -1) : pattern)
  return typeMatches([a], start(b)) || typeMatches([b], start(a))
}
