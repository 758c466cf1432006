import { resolve } from 'node:path'
import type { KafkaConnection, SaslLogin, TlsFiles } from '../edge/kafka/client.ts'
import type { RegistryConnection } from '../edge/registry/rest.ts'
import { Secret } from '../model/secret.ts'
import type { Path, Settings } from './settings.ts'
import type { Sections } from './shape.ts'

type Env = Readonly<Record<string, string | undefined>>
type Texts = Readonly<Record<string, string | undefined>>
type KafkaShape = Extract<Sections['log'], { kind: 'kafka' }>
type SaslShape = NonNullable<KafkaShape['sasl']>

/** The connections that checked shapes describe: paths from the file's folder, secrets where they are, faults in `settings`. */
export class Connections {
  readonly #settings: Settings
  readonly #home: string
  readonly #env: Env

  constructor(settings: Settings, home: string, env: Env) {
    this.#settings = settings
    this.#home = home
    this.#env = env
  }

  log(log: Sections['log']): { readonly kind: 'local' } | ({ readonly kind: 'kafka' } & KafkaConnection) {
    if (log.kind === 'local') return log
    const ssl = typeof log.ssl === 'boolean' ? log.ssl : this.#files(['log', 'ssl'], log.ssl)
    return { ...log, ssl, sasl: log.sasl && this.#sasl(log.sasl) }
  }

  /** The URL alone where nothing else is said. User and password of a URL become fields: no text shows them. */
  registry(shape: NonNullable<Sections['registry']>): string | RegistryConnection | null {
    const { url, ...rest } = typeof shape === 'string' ? { url: shape } : shape
    const { username, ca, cert, key, ...secrets } = rest as Texts
    const at = ['registry']
    const parsed = new URL(url)
    const inUrl = parsed.username === '' ? null : decoded(parsed.username)
    const password = inUrl === null ? null : decoded(parsed.password)
    parsed.username = parsed.password = ''
    if (inUrl !== null && (username ?? secrets.token ?? secrets.token_file) !== undefined)
      this.#fault(at, 'the URL has a user, and the mapping has one too, or a token: only one of them')
    const user = inUrl ?? username ?? null
    const own = inUrl !== null ? Secret.ofText(password!) : this.#secret(at, secrets, 'password')
    const token = this.#secret(at, secrets, 'token')
    if ((user === null) !== (own === null)) this.#fault(at, 'username and password go together')
    if (user !== null && token !== null) this.#fault(at, 'username and token: only one of them')
    const plain = inUrl === null ? url : parsed.href
    const tls = this.#files(at, { ca, cert, key })
    if (user === null && token === null && Object.keys(tls).length === 0) return plain
    return { url: plain, login: user !== null && own ? { username: user, password: own } : null, token, tls }
  }

  #sasl(sasl: SaslShape): SaslLogin | null {
    const at = ['log', 'sasl']
    if (sasl.mechanism !== 'oauthbearer') {
      const { mechanism, username, ...secrets } = sasl
      const password = this.#secret(at, secrets, 'password')
      if (!password) this.#fault(at, '"log.sasl" needs password or password_file')
      return password && { mechanism, username: this.#text(at, 'username', username), password }
    }
    const { mechanism, token_url, client_id, scope = null, ...secrets } = sasl
    const token = this.#secret(at, secrets, 'token')
    const clientSecret = this.#secret(at, secrets, 'client_secret')
    const isAsked = token_url !== undefined && client_id !== undefined && clientSecret !== null
    if ((token !== null) === isAsked || (!isAsked && (token_url ?? client_id ?? clientSecret ?? null) !== null))
      this.#fault(at, 'oauthbearer needs token or token_file; or token_url, client_id and client_secret or its _file')
    if (token) return { mechanism, token }
    return isAsked ? { mechanism, tokenUrl: token_url, clientId: client_id, clientSecret, scope } : null
  }

  /** `key`, `key: ${VARIABLE}` or `key_file`; null where none of them is there. */
  #secret(at: Path, values: Texts, key: string): Secret | null {
    const [text, file] = [values[key], values[`${key}_file`]]
    if (text !== undefined && file !== undefined) this.#fault(at, `${key} and ${key}_file: only one of them`)
    const name = [...at, key].join('.')
    if (file !== undefined) return Secret.inFile(`${name}_file`, resolve(this.#home, file))
    if (text === undefined) return null
    const variable = variableOf(text)
    return variable === null ? Secret.ofText(text) : Secret.inVariable(name, variable, this.#env)
  }

  #text(at: Path, key: string, text: string): string {
    const variable = variableOf(text)
    if (variable === null) return text
    const value = this.#env[variable]
    if (!value) this.#fault([...at, key], `the environment variable ${variable} is not set`)
    return value ?? ''
  }

  #files(at: Path, files: Texts): TlsFiles {
    if ((files.cert === undefined) !== (files.key === undefined)) this.#fault(at, 'cert and key go together')
    const named = Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined)
    return Object.fromEntries(named.map(([key, file]) => [key, resolve(this.#home, file)]))
  }

  #fault(at: Path, message: string): void {
    this.#settings.fault('wrong-value', at, 'key', message)
  }
}

/** The name in `${NAME}`; null for any other text. */
function variableOf(text: string): string | null {
  return /^\$\{([A-Za-z_]\w*)\}$/.exec(text)?.[1] ?? null
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // a percent sign that is only that
  }
}
