import { type ClientRequest, type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
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

  constructor(connection: string | RegistryConnection) {
    this.#connection =
      typeof connection === 'string' ? { url: connection, login: null, token: null, tls: {} } : connection
    this.url = this.#connection.url
    this.#headers(false)
    this.#certificates() // what is not there is said at once
  }

  async ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
    for (const waitMs of BACK_OFF_MS) {
      const { status, headers, text } = await this.#send(method, path, body)
      if (status !== 429 && status < 500) return this.#understood(status, text)
      const askedMs = Number(headers['retry-after']) * 1_000
      await sleep(askedMs > 0 ? Math.min(askedMs, ASKED_TO_WAIT_MS_MAX) : waitMs)
    }
    const { status, text } = await this.#send(method, path, body)
    if (status === 429) throw this.#fault('it has too many requests (HTTP 429)')
    return this.#understood(status, text)
  }

  /** Resolves where a registry answers. */
  async look(): Promise<void> {
    await this.ask('GET', 'subjects')
  }

  #understood(status: number, text: string): Answer {
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      const what = /^\s*</.test(text) ? 'a page of HTML' : 'no JSON'
      if (status !== 401 && status !== 403)
        throw this.#fault(`HTTP ${status} with ${what}: is this the URL of a schema registry, with its path?`)
    }
    const object = (typeof body === 'object' && body !== null ? body : {}) as Answer['body']
    const said = typeof object.message === 'string' ? `: ${object.message}` : ''
    if (status === 401 || status === 403)
      throw this.#fault(`it refuses the login (registry.username, registry.token): HTTP ${status}${said}`)
    if (status >= 500) throw this.#fault(`HTTP ${status}${said}`)
    if (status >= 300 && !isOwnCode(object.error_code, status))
      throw this.#fault(`HTTP ${status}${said}: is this the URL of a schema registry, with its path?`)
    return { status, body: object }
  }

  #send(method: string, path: string, body: object | undefined): Promise<Received> {
    const url = new URL(path, this.url.endsWith('/') ? this.url : `${this.url}/`)
    const options: RequestOptions = { method, headers: this.#headers(body !== undefined), agent: false }
    const isTls = url.protocol === 'https:'
    if (isTls) Object.assign(options, this.#certificates())
    return new Promise((resolve, reject) => {
      const fail = (what: string, error?: unknown) => {
        clearTimeout(timer)
        request.destroy()
        reject(this.#fault(what, error))
      }
      const timer = setTimeout(() => fail(`no answer within ${ANSWER_MS_MAX / 1_000} s`), ANSWER_MS_MAX)
      const take = (response: IncomingMessage) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length
          if (bytes > ANSWER_BYTES_MAX) fail(`an answer of more than ${ANSWER_BYTES_MAX >> 20} MB`)
          else chunks.push(chunk)
        })
        response.on('error', (error) => fail(reasonOf(error), error))
        response.on('end', () => {
          clearTimeout(timer)
          const { statusCode = 0, headers } = response
          resolve({ status: statusCode, headers, text: Buffer.concat(chunks).toString() })
        })
      }
      const request: ClientRequest = (isTls ? tlsRequest : plainRequest)(url, options, take)
      request.on('error', (error) => fail(reasonOf(error), error))
      request.end(body && JSON.stringify(body))
    })
  }

  #headers(hasBody: boolean): Record<string, string> {
    const { login, token } = this.#connection
    const user = login && Buffer.from(`${login.username}:${login.password.reveal()}`).toString('base64')
    return {
      accept: `${TYPE}, application/json`,
      ...(hasBody && { 'content-type': TYPE }),
      ...(user && { authorization: `Basic ${user}` }),
      ...(token && { authorization: `Bearer ${token.reveal()}` }),
    }
  }

  #certificates(): RequestOptions {
    const { tls } = this.#connection
    const files = Object.entries(tls) as [string, string][]
    return Object.fromEntries(files.map(([key, path]) => [key, readNamed(`registry.${key}`, path)]))
  }

  #fault(what: string, error?: unknown): EngineError {
    return new EngineError('REGISTRY_UNREACHABLE', `schema registry ${this.url}: ${what}`, error)
  }
}

interface Received {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** A registry's error codes are its HTTP status, and mostly two digits more; a path that it has not got has none of these. */
function isOwnCode(code: unknown, status: number): boolean {
  return typeof code === 'number' && (Math.floor(code / 100) === status || (code === status && status !== 404))
}

function reasonOf(error: Error): string {
  const { code, message } = error as NodeJS.ErrnoException
  return message || code || String(error)
}
