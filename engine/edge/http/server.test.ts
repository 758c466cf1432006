import { expect, test } from 'vitest'
import { startHttp } from './server.ts'

const served = (ok: boolean) => ({
  metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'lapwing_events_total 5\n' }),
  ready: () => ({ ok, detail: 'reading', behind: 3 }),
})
const local = { host: '127.0.0.1', port: 0 }

test('metrics and health', async () => {
  const server = await startHttp(local, served(true))
  const metrics = await fetch(`${server.url}/metrics`)
  expect([metrics.status, metrics.headers.get('content-type'), await metrics.text()]).toEqual([
    200,
    'text/plain; version=0.0.4',
    'lapwing_events_total 5\n',
  ])
  expect(await (await fetch(`${server.url}/livez`)).json()).toEqual({ ok: true })
  expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ ok: true, detail: 'reading', behind: 3 })
  expect((await fetch(`${server.url}/nothing`)).status).toBe(404)
  await server.close()
  await expect(fetch(`${server.url}/livez`)).rejects.toThrow()
})

test('not ready is 503', async () => {
  const server = await startHttp(local, served(false))
  expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
  await server.close()
})

test('a port that is taken says so', async () => {
  const server = await startHttp(local, served(true))
  const port = Number(new URL(server.url).port)
  await expect(startHttp({ ...local, port }, served(true))).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(`port ${port} of 127.0.0.1 is taken by another process; set http.port`),
  })
  await server.close()
})
