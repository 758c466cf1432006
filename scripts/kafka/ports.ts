import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

// Below Linux's range for outgoing connections (32768 up): a client that retries a dead broker there may end up
// connected to itself, and then nobody can bind the port again.
const FIRST = 20_000
const LAST = 32_000
const TRIES_MAX = 1_000

/** True when nothing listens on this port of 127.0.0.1 now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** `count` different ports of 127.0.0.1, free at this moment; another process may still be faster. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  for (let tries = 0; tries < TRIES_MAX && ports.size < count; tries += 1) {
    const port = randomInt(FIRST, LAST)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  if (ports.size < count) throw new Error(`no ${count} free ports between ${FIRST} and ${LAST} on 127.0.0.1`)
  return [...ports]
}
