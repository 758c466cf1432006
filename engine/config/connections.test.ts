import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { type ConfigSources, loadConfig } from '../config.ts'
import type { EngineError } from '../model/errors.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-connections-'))
afterAll(() => rmSync(root, { recursive: true }))
let folders = 0

function load(yaml: string, more: ConfigSources = {}, files: Record<string, string> = {}) {
  const folder = join(root, String(folders++))
  mkdirSync(folder)
  for (const [name, text] of Object.entries({ 'lapwing.yaml': yaml, ...files })) writeFileSync(join(folder, name), text)
  return loadConfig({ folder: root, path: join(folder, 'lapwing.yaml'), ...more })
}
function faultOf(yaml: string, more: ConfigSources = {}): string {
  try {
    load(yaml, more)
  } catch (error) {
    return (error as EngineError).message
  }
  return ''
}
const kafka = (rest: string) => `log: { kind: kafka, brokers: ['a:1'], ${rest} }`
const saslOf = (yaml: string, more: ConfigSources = {}, files = {}) => {
  const { log } = load(yaml, more, files)
  return log.kind === 'kafka' ? log.sasl : null
}

describe('secrets', () => {
  const plain = (password: string) => kafka(`sasl: { mechanism: plain, username: u, ${password} }`)
  const reveal = (sasl: ReturnType<typeof saslOf>) => (sasl && 'password' in sasl ? sasl.password.reveal() : null)

  test('as text, in a file beside the configuration, in a variable; a variable of ours wins over the file', () => {
    expect(reveal(saslOf(plain('password: hunter2')))).toBe('hunter2')
    expect(reveal(saslOf(plain('password_file: pw'), {}, { pw: 'hunter2\n' }))).toBe('hunter2')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the file
    expect(reveal(saslOf(plain("password: '${PW}'"), { env: { PW: 'hunter2' } }))).toBe('hunter2')
    const env = { LAPWING_LOG_SASL_PASSWORD: 'other' }
    expect(reveal(saslOf(plain('password_file: pw'), { env }, { pw: 'hunter2' }))).toBe('other')
  })
  test('a file or variable that is not there is a line', () => {
    const lacking = (yaml: string) => expect(() => reveal(saslOf(yaml)))
    lacking(plain('password_file: pw')).toThrow(/^log\.sasl\.password_file: \/.*\/pw: no such file or folder$/)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the file
    lacking(plain("password: '${PW}'")).toThrow('log.sasl.password: the environment variable PW is not set')
  })
  test('no dump shows one', () => {
    const config = load(
      `${plain('password: hunter2')}\nregistry: http://me:hunter2@r:1/x\n`.replace('registry:', 'registry: &r'),
    )
    for (const dump of [JSON.stringify(config), inspect(config, { depth: 9, showHidden: true }), `${config.registry}`])
      expect(dump).not.toContain('hunter2')
    expect(config.registry).toMatchObject({ url: 'http://r:1/x', login: { username: 'me' } })
  })
  test.each([
    ['a fault on its line', plain('password: hunter2, x: 1')],
    ['a misspelt key', plain('pasword: hunter2')],
    ['a missing colon', plain('password hunter2')],
    ['an open bracket', 'log: { kind: kafka, sasl: { mechanism: plain, password: hunter2'],
    ['an open quote', 'log:\n  sasl:\n    password: "hunter2\n    x: 1\n'],
    ['what YAML takes for an alias', 'log:\n  sasl:\n    password: *hunter2\n'],
    ['what YAML takes for a tag', 'log:\n  sasl:\n    password: !hunter2\n'],
    ['what YAML reserves', 'log:\n  sasl:\n    password: @hunter2\n'],
    ['a mapping within', 'log:\n  sasl:\n    password: a: hunter2\n'],
    ['a list', kafka('sasl: [plain, u, hunter2]')],
    ['a text', kafka('sasl: "plain:hunter2"')],
    ['an anchor elsewhere', `pw: &p hunter2\n${plain('password: *p')}`],
    ['a wrong type', plain('password: [hunter2]')],
    ['a key twice', 'log:\n  sasl:\n    password: hunter2\n    password: hunter2\n'],
    ['a section elsewhere', 'sasl: { mechanism: plain, pass: hunter2 }'],
    ['a wrong URL', 'registry: htp://me:hunter2@r:8081'],
    ['no URL', 'registry: me:hunter2@r:8081'],
    ['a URL in a mapping', "registry: { url: 'http://me:hunter2@r:8081', bad: 1 }"],
    ['a URL with a user of its own', "registry: { url: 'http://me:hunter2@r:8081', token: hunter2 }"],
    ['a token', "registry: { url: 'http://r:8081', tokn: hunter2 }"],
    ['a broker with a user', 'log: { kind: kafka, brokers: ["me:hunter2@127.0.0.1:9092"], group: g }'],
    ['brokers in a block', 'log:\n  kind: kafka\n  brokers:\n    - me:hunter2@127.0.0.1:9092\n'],
    ['a token in a broken file', "registry: { url: 'http://r:8081', token: 'hunter2 }\ndata: ["],
  ])('%s does not show it', (_, yaml) => {
    const message = faultOf(yaml)
    expect(message).toMatch(/error\[/)
    expect(message).not.toContain('hunter2')
  })
  test('a fault elsewhere shows its line as it is', () => {
    expect(faultOf(`dta: 1\n${plain('password: hunter2')}`)).toContain('1 | dta: 1')
    expect(faultOf(plain('password: hunter2, x: 1'))).toContain('username: u, password: *******, x: *')
  })
})

describe('connections', () => {
  test('files begin at the folder of the configuration', () => {
    const { log, registry, path } = load(
      `${kafka('ssl: { ca: tls/ca.pem }')}\nregistry: { url: 'https://r', token: t, ca: ca.pem }`,
    )
    const home = path!.replace('/lapwing.yaml', '')
    expect(log).toMatchObject({ ssl: { ca: join(home, 'tls/ca.pem') } })
    expect(registry).toMatchObject({ tls: { ca: join(home, 'ca.pem') } })
  })
  test.each([
    [kafka('ssl: { cert: c.pem }'), 'cert and key go together'],
    [kafka('sasl: { mechanism: plain, username: u }'), 'needs password or password_file'],
    [kafka('sasl: { mechanism: plain, username: u, password: a, password_file: b }'), 'only one of them'],
    [kafka('sasl: { mechanism: gssapi }'), 'must be plain, scram-sha-256, scram-sha-512 or oauthbearer'],
    [kafka('sasl: { mechanism: oauthbearer }'), 'oauthbearer needs token or token_file; or token_url'],
    [kafka("sasl: { mechanism: oauthbearer, token: t, token_url: 'http://x' }"), 'oauthbearer needs token'],
    [kafka("sasl: { mechanism: oauthbearer, token_url: 'http://x', client_id: a }"), 'oauthbearer needs token'],
    ["registry: { url: 'http://r', username: u }", 'username and password go together'],
    ["registry: { url: 'http://r', usernam: u, password: p }", 'did you mean "username"?'],
    ["registry: { url: 'http://r', username: u, password: p, token: t }", 'username and token: only one of them'],
  ])('%s', (yaml, message) => expect(faultOf(yaml)).toContain(message))

  test('oauthbearer, with a token or somebody who gives one', () => {
    expect(saslOf(kafka('sasl: { mechanism: oauthbearer, token: t }'))).toMatchObject({ mechanism: 'oauthbearer' })
    const asked = "mechanism: oauthbearer, token_url: 'http://x', client_id: a, client_secret: b, scope: s"
    expect(saslOf(kafka(`sasl: { ${asked} }`))).toMatchObject({ tokenUrl: 'http://x', clientId: 'a', scope: 's' })
  })
})
