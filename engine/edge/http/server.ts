import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { EngineError } from '../../model/errors.ts'

/** What the endpoints show. */
export interface Served {
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  /** `detail` says what is awaited, or that all is well. */
  readonly ready: () => { readonly ok: boolean; readonly detail: string; readonly [more: string]: unknown }
}

export interface HttpServer {
  /** `http://host:port`, with the port that was taken for port 0. */
  readonly url: string
  /** Ends at once, whoever is still reading. */
  close(): Promise<void>
}

/** Serves /metrics, /livez and /readyz. EngineError USAGE when the address cannot be had. */
export function startHttp({ host, port }: { host: string; port: number }, served: Served): Promise<HttpServer> {
  const app = new Hono()
    .get('/metrics', async (c) => {
      const { contentType, text } = await served.metrics()
      return c.body(text, 200, { 'content-type': contentType })
    })
    .get('/livez', (c) => c.json({ ok: true }))
    .get('/readyz', (c) => {
      const ready = served.ready()
      return c.json(ready, ready.ok ? 200 : 503)
    })
    .notFound((c) => c.json({ error: 'not found', paths: ['/metrics', '/livez', '/readyz'] }, 404))
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (info) => {
      server.off('error', refused)
      const name = host.includes(':') ? `[${host}]` : host
      resolve({ url: `http://${name}:${info.port}`, close: () => closed(server) })
    }) as Server
    const refused = (error: NodeJS.ErrnoException): void => reject(notListening(error, host, port))
    server.on('error', refused)
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function notListening(error: NodeJS.ErrnoException, host: string, port: number): EngineError {
  const reason = error.code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be had (${error.message})`
  const advice = 'set http.port in lapwing.yaml, LAPWING_HTTP_PORT or --port'
  return new EngineError('USAGE', `port ${port} of ${host} ${reason}; ${advice}`, error)
}
