import { EngineError } from '../../model/errors.ts'
import { withoutUserinfo } from '../../model/secret.ts'
import type { BearerLogin } from './client.ts'

const ANSWER_MS_MAX = 10_000
/** A token is used for this share of its life, and one that does not say how long it lives for so long. */
const LIFE_SHARE = 0.8
const LIFE_MS = 60_000

/** What kafkajs asks before each login. A token that was asked for is used until most of its life is over. */
export function tokenProvider(login: BearerLogin): () => Promise<{ value: string }> {
  if ('token' in login) return async () => ({ value: login.token.reveal() })
  let held: { value: string; untilMs: number } | null = null
  return async () => {
    if (held === null || held.untilMs <= performance.now()) held = await askFor(login)
    return { value: held.value }
  }
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
