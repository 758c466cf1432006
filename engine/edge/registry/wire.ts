/** Confluent wire format: a zero byte, the schema's id as a big-endian int32, then Avro. */
export const WIRE_HEADER_BYTES = 5

export function wireHeader(schemaId: number): Buffer {
  const header = Buffer.alloc(WIRE_HEADER_BYTES)
  header.writeInt32BE(schemaId, 1)
  return header
}

/** The id in the header of the record `bytes[start..end)`; null if there is none. */
export function wireSchemaId(bytes: Uint8Array, start: number, end: number): number | null {
  if (end - start < WIRE_HEADER_BYTES || bytes[start] !== 0) return null
  return (bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!
}
