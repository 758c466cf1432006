import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../model/secret.ts'
import { RegistryRest } from './rest.ts'
import { ConfluentSchemas, SchemaUnusable, schemaOr } from './schemas.ts'

const record = (name: string, fields: object[]) => ({ type: 'record', name, namespace: 'shop', fields })
/** Answers in order; the last one stays. */
type Reply = { status: number; body: string; headers?: Record<string, string> }
const json = (status: number, body: object): Reply => ({ status, body: JSON.stringify(body) })
const schema = (avro: object, references: object[] = []) => json(200, { schema: JSON.stringify(avro), references })

let server: Server
let url: string
let replies: Record<string, Reply[]> = {}
let requests: IncomingMessage[] = []
beforeAll(async () => {
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    requests.push(request)
    const path = request.url!.split('?')[0]!
    const queue = replies[request.url!] ?? replies[path] ?? [json(404, { error_code: 40403, message: 'not found' })]
    const { status, body, headers } = queue.length > 1 ? queue.shift()! : queue[0]!
    if (status === 0) return // never
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  replies = {}
  requests = []
})
const asked = () => requests.map(({ url: path }) => path)
const failure = (work: Promise<unknown>) => work.then(String, (error: Error) => error.message.replace(url, 'URL'))

describe('what is no answer is said', () => {
  test.each([
    [
      'a page',
      { status: 200, body: '<html>Sign in</html>' },
      'HTTP 200 with a page of HTML: is this the URL of a schema',
    ],
    ['a page for errors', { status: 404, body: '<html>' }, 'HTTP 404 with a page of HTML: is this the URL of a schema'],
    [
      'text',
      { status: 200, body: 'hello' },
      'HTTP 200 with no JSON: is this the URL of a schema registry, with its path?',
    ],
    [
      'a path that is none',
      json(404, { error_code: 404, message: 'HTTP 404 Not Found' }),
      'HTTP 404: HTTP 404 Not Found: is',
    ],
    ['a redirect', { status: 302, body: '', headers: { location: '/login' } }, 'HTTP 302 with no JSON'],
    [
      'no login',
      json(401, { error_code: 401, message: 'Unauthorized' }),
      'it refuses the login (registry.username, registry.token): HTTP 401: Unauthorized',
    ],
    [
      'a page without login',
      { status: 403, body: '<html>' },
      'it refuses the login (registry.username, registry.token): HTTP 403',
    ],
  ] as const)('%s', async (_, reply, words) => {
    replies['/schemas/ids/1'] = [reply as Reply]
    expect(await failure(new ConfluentSchemas(url).byId(1, 't'))).toContain(`schema registry URL: ${words}`)
    expect(requests).toHaveLength(1)
  })
  test('nobody within 5 s', async () => {
    replies['/schemas/ids/1'] = [{ status: 0, body: '' }]
    expect(await failure(new ConfluentSchemas(url).byId(1, 't'))).toBe('schema registry URL: no answer within 5 s')
  })
})

describe('busy or failing', () => {
  test('429 and 5xx are asked again, as late as they say', async () => {
    replies['/schemas/ids/1'] = [
      json(429, {}),
      { ...json(503, {}), headers: { 'retry-after': '1' } },
      schema(record('A', [])),
    ]
    const startedMs = performance.now()
    expect(await new ConfluentSchemas(url).byId(1, 't')).toEqual(record('A', []))
    expect(performance.now() - startedMs).toBeGreaterThan(1_150)
    expect(requests).toHaveLength(3)
  })
  test('three times', async () => {
    replies['/schemas/ids/1'] = [json(429, {})]
    replies['/schemas/ids/2'] = [{ status: 502, body: '<html>Bad gateway</html>' }]
    const schemas = new ConfluentSchemas(url)
    const both = await Promise.all([failure(schemas.byId(1, 't')), failure(schemas.byId(2, 't'))])
    expect(both[0]).toBe('schema registry URL: it has too many requests (HTTP 429)')
    expect(both[1]).toContain('HTTP 502 with a page of HTML')
    expect(requests).toHaveLength(6)
  })
  test('many who ask for one id at once make one request', async () => {
    replies['/schemas/ids/1'] = [schema(record('A', []))]
    const schemas = new ConfluentSchemas(url)
    await Promise.all(['t', 'u', 'v'].map((topic) => schemas.byId(1, topic)))
    expect(requests).toHaveLength(1)
  })
})

test('who asks', async () => {
  replies['/subjects'] = [json(200, [])]
  const base = { url, login: null, token: null, tls: {} }
  await new RegistryRest({ ...base, login: { username: 'risk', password: Secret.ofText('p:w') } }).look()
  await new RegistryRest({ ...base, token: Secret.ofText('t') }).look()
  await new RegistryRest(url).look()
  expect(requests.map(({ headers }) => headers.authorization)).toEqual([
    `Basic ${Buffer.from('risk:p:w').toString('base64')}`,
    'Bearer t',
    undefined,
  ])
  expect(() => new RegistryRest({ ...base, url: 'https://r', tls: { ca: '/none/ca.pem' } })).toThrow(
    'registry.ca: /none/ca.pem: no such file or folder',
  )
})

describe('schemas', () => {
  test('a subject by another name than the topic’s, for registries that look under that one only', async () => {
    replies['/schemas/ids/1?subject=t-value'] = [json(404, { error_code: 40401, message: 'Subject not found' })]
    replies['/schemas/ids/1'] = [schema(record('Order', []))]
    expect(await new ConfluentSchemas(url).byId(1, 't')).toEqual(record('Order', []))
    expect(asked()).toEqual(['/schemas/ids/1?subject=t-value', '/schemas/ids/1'])
  })
  test('in the context of the URL', async () => {
    replies['/contexts/.shop/schemas/ids/1'] = [schema(record('Order', []))]
    expect(await new ConfluentSchemas(`${url}/contexts/.shop`).byId(1, 't')).toEqual(record('Order', []))
  })
  test('what a schema refers to is put in, once each, and what that refers to', async () => {
    const money = { type: 'fixed', name: 'shop.Money', size: 8 }
    const price = { type: 'record', name: 'Price', namespace: 'shop', fields: [{ name: 'net', type: 'Money' }] }
    const fields = [
      { name: 'net', type: 'Price' },
      { name: 'gross', type: ['null', 'shop.Price'] },
      { name: 'all', type: { type: 'array', items: 'Money' } },
    ]
    replies['/schemas/ids/1'] = [
      schema(record('Order', fields), [{ name: 'shop.Price', subject: 'price', version: 2 }]),
    ]
    replies['/subjects/price/versions/2'] = [schema(price, [{ name: 'shop.Money', subject: 'money', version: 1 }])]
    replies['/subjects/money/versions/1'] = [schema(money)]
    expect(await new ConfluentSchemas(url).byId(1, 't')).toEqual(
      record('Order', [
        {
          name: 'net',
          type: {
            ...{ type: 'record', name: 'Price', namespace: 'shop' },
            fields: [{ name: 'net', type: { type: 'fixed', name: 'Money', namespace: 'shop', size: 8 } }],
          },
        },
        { name: 'gross', type: ['null', 'shop.Price'] },
        { name: 'all', type: { type: 'array', items: 'shop.Money' } },
      ]),
    )
  })
  test('one that refers to nothing, or is no JSON, sets its records aside, and is not asked for again at once', async () => {
    replies['/schemas/ids/1'] = [schema(record('Order', []), [{ name: 'shop.Price', subject: 'price', version: 2 }])]
    replies['/schemas/ids/2'] = [json(200, { schema: 'record' })]
    const schemas = new ConfluentSchemas(url)
    const why = { why: 'schema id 1: it refers to "shop.Price", version 2 of "price", which is not there' }
    expect([await schemaOr(schemas, 1, 't'), await schemaOr(schemas, 1, 't')]).toEqual([why, why])
    expect(requests).toHaveLength(2)
    await expect(schemas.byId(2, 't')).rejects.toThrow(SchemaUnusable)
  })
})

describe('answers that are none', () => {
  const one = (references: unknown, schema = '"A"') => ({ status: 200, body: JSON.stringify({ schema, references }) })
  test.each([
    ['a reference that is null', [one([null])]],
    ['one that refers to itself', [one([{ name: 'A', subject: 'A', version: 1 }], '["A","A"]')]],
    [
      'fields that are none',
      [one([{ name: 'B', subject: 'A', version: 1 }], '{"type":"record","name":"R","fields":7}')],
    ],
  ])('%s', async (_, [reply]) => {
    replies['/schemas/ids/1'] = [reply!]
    replies['/subjects/A/versions/1'] = [{ ...reply!, body: JSON.stringify({ schema: '["A","A"]' }) }]
    expect(await schemaOr(new ConfluentSchemas(url), 1, 't')).toEqual({ why: expect.stringContaining('is no schema') })
  })
  test('unions that double with each reference', async () => {
    const names = Array.from({ length: 40 }, (_, i) => ({ name: `N${i}`, subject: `N${i}`, version: 1 }))
    replies['/schemas/ids/1'] = [one(names, '"N0"')]
    for (const [i, { subject }] of names.entries())
      replies[`/subjects/${subject}/versions/1`] = [one([], `["N${i + 1}","N${i + 1}"]`)]
    expect(await schemaOr(new ConfluentSchemas(url), 1, 't')).toEqual({
      why: expect.stringContaining('makes more than'),
    })
  })
})
