import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../model/secret.ts'
import type { BearerLogin } from './client.ts'
import { bearer } from './oauth.ts'

let server: Server
let url: string
let answer: { status: number; body: string }
const asked: { authorization: string | undefined; body: string }[] = []
beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    asked.push({ authorization: request.headers.authorization, body })
    response.writeHead(answer.status).end(answer.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
})
afterAll(() => server.close())

/** What the broker gets at each of `times` logins; `said` is what it answers. */
async function logIn(login: BearerLogin, said: string, times = 1): Promise<string[]> {
  const sent: string[] = []
  const { authenticationProvider } = bearer(login)
  const saslAuthenticate = async ({ request }: { request: { encode(): Buffer | Promise<Buffer> } }) => {
    sent.push((await request.encode()).subarray(4).toString())
    return said
  }
  for (let n = 0; n < times; n++)
    await authenticationProvider({ host: 'h', port: 1, logger: {}, saslAuthenticate } as never).authenticate()
  return sent
}
const asking = (): BearerLogin => ({
  ...{ mechanism: 'oauthbearer', tokenUrl: url, clientId: 'risk', clientSecret: Secret.ofText('s:1'), scope: 'kafka' },
})

test('a token is asked for once in its life', async () => {
  answer = { status: 200, body: '{"access_token":"abc","expires_in":3600}' }
  const sent = await logIn(asking(), '', 2)
  expect(sent).toEqual(Array(2).fill('n,,\u0001auth=Bearer abc\u0001\u0001'))
  const authorization = `Basic ${Buffer.from('risk:s%3A1').toString('base64')}`
  expect(asked).toEqual([{ authorization, body: 'grant_type=client_credentials&scope=kafka' }])
})

test('who gives no token, and a broker that refuses one, are said', async () => {
  answer = { status: 401, body: '{"error":"invalid_client"}' }
  await expect(logIn(asking(), '')).rejects.toThrow(/gives no token: HTTP 401 invalid_client$/)
  answer = { status: 200, body: '<html>' }
  await expect(logIn(asking(), '')).rejects.toThrow(/gives no token: HTTP 200$/)
  const refused = logIn({ mechanism: 'oauthbearer', token: Secret.ofText('t') }, '{"status":"invalid_token"}')
  await expect(refused).rejects.toMatchObject({
    name: 'KafkaJSSASLAuthenticationError',
    message: 'SASL OAUTHBEARER authentication failed: {"status":"invalid_token"}',
  })
})
