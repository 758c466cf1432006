/** Confluent wire format: a zero byte, the schema's id as a big-endian int32, then Avro. */
export const WIRE_HEADER_BYTES = 5

export function wireHeader(schemaId: number): Buffer {
  const header = Buffer.alloc(WIRE_HEADER_BYTES)
  header.writeInt32BE(schemaId, 1)
  return header
}

/** The id in a record's header; null if there is none. */
export function wireSchemaId(bytes: Uint8Array): number | null {
  if (bytes.length < WIRE_HEADER_BYTES || bytes[0] !== 0) return null
  return (bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!
}
