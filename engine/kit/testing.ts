const LETTERS = Buffer.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_')
const BLOCK = 4

/**
 * 2^`blocks` texts of 4 letters a block that all have the same FNV-1a, begun at `start`: of each block there are two that
 * lead to the same place (Joux, "Multicollisions in iterated hash functions", CRYPTO 2004).
 */
export function fnvCollisions(blocks: number, start = 0x811c9dc5): Uint8Array[] {
  let texts = [new Uint8Array(0)]
  let state = start
  for (let i = 0; i < blocks; i++) {
    const pair = pairFrom(state)
    texts = texts.flatMap((text) => pair.map((block) => Uint8Array.of(...text, ...block)))
    state = fnv(state, pair[0])
  }
  return texts
}

function pairFrom(state: number): [Uint8Array, Uint8Array] {
  const seen = new Map<number, number>()
  const block = new Uint8Array(BLOCK)
  const write = (n: number): Uint8Array => {
    for (let i = 0; i < BLOCK; i++) block[i] = LETTERS[(n >> (6 * i)) & 63]!
    return block
  }
  for (let n = 0; ; n++) {
    const to = fnv(state, write(n))
    const before = seen.get(to)
    if (before !== undefined) return [write(before).slice(), write(n).slice()]
    seen.set(to, n)
  }
}

function fnv(state: number, text: Uint8Array): number {
  let hash = state
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text[i]!, 0x01000193)
  return hash
}

/** An array that counts how often a place of it is read. */
export function counted(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly reads: () => number } {
  let reads = 0
  const proxy = new Proxy(bytes, {
    get: (target, name) => {
      if (typeof name === 'string' && /^\d/.test(name)) reads++
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return { bytes: proxy, reads: () => reads }
}
