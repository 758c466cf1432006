import kafkajs, { type Mechanism } from 'kafkajs'
import { EngineError } from '../../model/errors.ts'
import { withoutUserinfo } from '../../model/secret.ts'
import type { BearerLogin } from './client.ts'

const ANSWER_MS_MAX = 10_000
/** A token is used for this share of its life, and one that does not say how long it lives for so long. */
const LIFE_SHARE = 0.8
const LIFE_MS = 60_000

/**
 * The mechanism OAUTHBEARER (RFC 7628) for kafkajs, whose own does not hear that a token is refused. A token that was asked
 * for is used until most of its life is over.
 */
export function bearer(login: BearerLogin): Mechanism {
  let held: { value: string; untilMs: number } | null = null
  const token = async (): Promise<string> => {
    if ('token' in login) return login.token.reveal()
    if (held === null || held.untilMs <= performance.now()) held = await askFor(login)
    return held.value
  }
  if ('token' in login)
    login.token.reveal() // what is not there is said at once
  else login.clientSecret.reveal()
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => {
        const first = withLength(`n,,\u0001auth=Bearer ${await token()}\u0001\u0001`)
        let said: string | undefined
        try {
          said = (await saslAuthenticate({ request: encoding(first), response: TEXT })) || undefined
          // the broker waits for this before it refuses
          if (said) await saslAuthenticate({ request: encoding(withLength('\u0001')) })
        } catch (error) {
          said ??= (error as Error).message
        }
        if (said) throw refused(`SASL OAUTHBEARER authentication failed: ${said}`)
      },
    }),
  }
}

const encoding = (bytes: Buffer) => ({ encode: () => bytes })
const TEXT = { decode: (bytes: Buffer) => bytes.subarray(4), parse: (bytes: Buffer) => bytes.toString() }

/** As kafkajs throws it for the other mechanisms. */
function refused(message: string): Error {
  return Object.assign(new kafkajs.KafkaJSNonRetriableError(message), { name: 'KafkaJSSASLAuthenticationError' })
}

function withLength(text: string): Buffer {
  const bytes = Buffer.from(`\0\0\0\0${text}`)
  bytes.writeInt32BE(bytes.length - 4)
  return bytes
}

async function askFor(login: Exclude<BearerLogin, { token: unknown }>): Promise<{ value: string; untilMs: number }> {
  const { tokenUrl, clientId, clientSecret, scope } = login
  const url = withoutUserinfo(tokenUrl)
  const user = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret.reveal())}`)
  try {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      headers: { authorization: `Basic ${user.toString('base64')}`, accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope !== null && { scope }) }),
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    const answer = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>
    const { access_token, expires_in, error } = answer
    if (!response.ok || typeof access_token !== 'string')
      throw new EngineError('KAFKA_UNREACHABLE', `${url} gives no token: HTTP ${response.status} ${error ?? ''}`.trim())
    const lifeMs = Number(expires_in) > 0 ? Number(expires_in) * 1_000 * LIFE_SHARE : LIFE_MS
    return { value: access_token, untilMs: performance.now() + lifeMs }
  } catch (error) {
    if (error instanceof EngineError) throw error
    const { message, cause } = error as Error & { cause?: { code?: string; message?: string } }
    throw new EngineError('KAFKA_UNREACHABLE', `${url} gives no token: ${cause?.code ?? cause?.message ?? message}`)
  }
}
