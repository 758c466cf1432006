import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { eventTimes } from './event-times.ts'

test('an engine that leaves most events out by their times is found', async () => {
  let metrics = 'lapwing_events_total 90\nlapwing_late_total 9\n'
  const server = createServer((_, response) => response.end(metrics)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const http = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  expect(await eventTimes({ http })).toBe('of 99 events 9 were late, 0 had no time that is believed')
  metrics +=
    'lapwing_dead_letters_total{reason="NO_TIME",stream="a"} 99\nlapwing_dead_letters_total{reason="OVERSIZED"} 5\n'
  await expect(eventTimes({ http })).rejects.toThrow('of 198 events 9 were late, 99 had no time that is believed: ')
  await new Promise((resolve) => server.close(resolve))
  expect(await eventTimes({ http })).toBeNull()
})
