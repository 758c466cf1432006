import { type AgentOptions, Agent as TlsAgent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RestService } from '@confluentinc/schemaregistry/dist/rest-service.js'
import { EngineError } from '../../model/errors.ts'
import { readNamed, type Secret } from '../../model/secret.ts'

/** `registry:` of the configuration, where it says more than a URL. */
export interface RegistryConnection {
  /** Without user and password. */
  readonly url: string
  readonly login: { readonly username: string; readonly password: Secret } | null
  readonly token: Secret | null
  /** Absolute paths of PEM files. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
}

/** What a registry answered when it was understood: its own code where it refuses, which begins with the HTTP status. */
export interface Answer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

const ANSWER_MS_MAX = 5_000
const ANSWER_BYTES_MAX = 16 << 20
/** Waits before it asks again where the registry is busy (429) or fails (5xx). */
const BACK_OFF_MS = [200, 800]
const ASKED_TO_WAIT_MS_MAX = 2_000
const TYPE = 'application/vnd.schemaregistry.v1+json'

/**
 * Requests of the REST API that Confluent's schema registry and others have. A path in the URL is kept, so
 * `http://host:8081/contexts/.shop` asks in that context.
 *
 * Errors  EngineError REGISTRY_UNREACHABLE: nobody answers within 5 s, or what answers is no registry, or refuses the login,
 *         or is still busy or failing after three requests; INPUT_MISSING where a file or variable of its own is not there
 */
export class RegistryRest {
  readonly url: string
  readonly #connection: RegistryConnection
  #loaded: Promise<RestService> | null = null

  constructor(connection: string | RegistryConnection) {
    this.#connection =
      typeof connection === 'string' ? { url: connection, login: null, token: null, tls: {} } : connection
    this.url = this.#connection.url
    this.#headers()
    this.#certificates() // what is not there is said at once
  }

  async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    for (const waitMs of BACK_OFF_MS) {
      const { status, headers, text } = await this.#send(method, path, body)
      if (status !== 429 && status < 500) return answerOf(status, text, (what) => this.#fault(what))
      const askedMs = Number(headers['retry-after']) * 1_000
      await sleep(askedMs > 0 ? Math.min(askedMs, ASKED_TO_WAIT_MS_MAX) : waitMs)
    }
    const { status, text } = await this.#send(method, path, body)
    if (status === 429) throw this.#fault('it has too many requests (HTTP 429)')
    return answerOf(status, text, (what) => this.#fault(what))
  }

  /** Resolves where a registry answers. */
  async look(): Promise<void> {
    await this.ask('GET', 'subjects')
  }

  async #send(method: 'GET' | 'POST', path: string, body: object | undefined): Promise<Received> {
    const service = await this.#service()
    const [headers, certificates] = [this.#headers(), this.#certificates()]
    try {
      const httpsAgent = new TlsAgent(certificates)
      const {
        status,
        data,
        headers: theirs,
      } = await service.handleRequest<string>(path, method, body, {
        ...{ headers, httpsAgent },
      })
      return { status, headers: theirs, text: data }
    } catch (error) {
      throw this.#fault(reasonOf(error as Error), error)
    }
  }

  /** The client package, of which only this part is loaded, at the first request. */
  #service(): Promise<RestService> {
    this.#loaded ??= import('@confluentinc/schemaregistry/dist/rest-service.js').then(
      ({ RestService }) =>
        new RestService(
          [this.url.endsWith('/') ? this.url : `${this.url}/`],
          false,
          {
            timeout: ANSWER_MS_MAX,
            transitional: { clarifyTimeoutError: true },
            maxContentLength: ANSWER_BYTES_MAX,
            maxRedirects: 0,
            responseType: 'text',
            transformResponse: [(text: string) => text],
            validateStatus: () => true, // what the answer means is said below
          },
          undefined,
          undefined,
          0,
        ),
    )
    return this.#loaded
  }

  #headers(): Record<string, string> {
    const { login, token } = this.#connection
    const user = login && Buffer.from(`${login.username}:${login.password.reveal()}`).toString('base64')
    return {
      accept: `${TYPE}, application/json`,
      ...(user && { authorization: `Basic ${user}` }),
      ...(token && { authorization: `Bearer ${token.reveal()}` }),
    }
  }

  #certificates(): AgentOptions {
    const { tls } = this.#connection
    const files = Object.entries(tls) as [string, string][]
    return Object.fromEntries(files.map(([key, path]) => [key, readNamed(`registry.${key}`, path)]))
  }

  #fault(what: string, error?: unknown): EngineError {
    return new EngineError('REGISTRY_UNREACHABLE', `schema registry ${this.url}: ${what}`, error)
  }
}

/** What an answer says; throws what `fault` makes where no registry speaks so. */
export function answerOf(status: number, text: string, fault: (what: string) => Error): Answer {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    const what = /^\s*</.test(text) ? 'a page of HTML' : 'no JSON'
    if (status !== 401 && status !== 403)
      throw fault(`HTTP ${status} with ${what}: is this the URL of a schema registry, with its path?`)
  }
  const object = (typeof body === 'object' && body !== null ? body : {}) as Answer['body']
  const said = typeof object.message === 'string' ? `: ${object.message}` : ''
  if (status === 401 || status === 403)
    throw fault(`it refuses the login (registry.username, registry.token): HTTP ${status}${said}`)
  if (status >= 500) throw fault(`HTTP ${status}${said}`)
  if (status >= 300 && !isOwnCode(object.error_code, status))
    throw fault(`HTTP ${status}${said}: is this the URL of a schema registry, with its path?`)
  return { status, body: object }
}

interface Received {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** A registry's error codes are its HTTP status, and mostly two digits more; a path that it has not got has none of these. */
function isOwnCode(code: unknown, status: number): boolean {
  return typeof code === 'number' && (Math.floor(code / 100) === status || (code === status && status !== 404))
}

function reasonOf(error: Error): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ETIMEDOUT' && message.startsWith('timeout of')) return `no answer within ${ANSWER_MS_MAX / 1_000} s`
  if (message.startsWith('maxContentLength')) return `an answer of more than ${ANSWER_BYTES_MAX >> 20} MB`
  return message || code || String(error)
}
