import { expect, test } from 'vitest'
import { defaultConfig } from '../../config.ts'
import { Counters } from '../../model/counters.ts'
import { serveHttp } from './serve.ts'
import type { Service } from './service.ts'

test('while a service opens it is alive and not ready; then it says what the service says', async () => {
  const http = await serveHttp({ ...defaultConfig(), http: { host: '127.0.0.1', port: 0 } })
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(http.url + path)
    return [response.status, await response.text()]
  }
  try {
    expect((await get('/livez'))[0]).toBe(200)
    const [status, text] = await get('/readyz')
    expect([status, JSON.parse(text)]).toEqual([503, { ok: false, detail: expect.stringContaining('taken up') }])
    expect((await get('/metrics'))[1]).not.toContain('lapwing_late_total')
    const counters = new Counters()
    counters.counter('late_total').value = 7
    const opened = { counters, gauges: () => [], ready: () => ({ ok: true, detail: 'well' }) }
    http.show(opened as Partial<Service> as Service)
    expect(await get('/readyz')).toEqual([200, '{"ok":true,"detail":"well"}'])
    expect((await get('/metrics'))[1]).toContain('lapwing_late_total 7')
  } finally {
    await http.close()
  }
})
