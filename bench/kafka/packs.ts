/** Each value behind its length, 4 bytes. */
export function pack(values: readonly Buffer[]): Buffer {
  return Buffer.concat(
    values.flatMap((value) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(value.length)
      return [length, value]
    }),
  )
}

/** The same values again. */
export function unpack(bytes: Buffer): Buffer[] {
  const values: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at))
    values.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at)))
  return values
}
