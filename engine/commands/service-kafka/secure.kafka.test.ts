import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  opensslMissing,
  type SecureKafka,
  startSecureKafka,
  USER,
  unsignedToken,
} from '../../../scripts/kafka/secure.ts'
import { ONCE, testBroker, uniqueName } from '../../../scripts/kafka/test-broker.ts'
import { createTopics } from '../../../scripts/kafka/topics.ts'
import { type Config, type KafkaConfig, loadConfig } from '../../config.ts'
import { createClient, type KafkaConnection } from '../../edge/kafka/client.ts'
import { readOutputs } from '../../edge/kafka/output-reader.ts'
import { topicsOf } from '../../edge/kafka/topic-names.ts'
import { packagePath } from '../../kit/package-path.ts'
import { Counters } from '../../model/counters.ts'
import { checksOf } from '../doctor/checks.ts'
import { kafkaService } from '../service-kafka.ts'
import { deal, RULES, sendDeals } from './deals.ts'
import { configFor, plainKafka, quiet } from './harness.ts'

const shared = await testBroker()
const lacking = await opensslMissing()

/** The lines of docs/kafka.md, for a group and topics of this test. */
function aclsOfThePage(names: Readonly<Record<string, string>>): Acl[] {
  const page = readFileSync(packagePath('docs/kafka.md'), 'utf8')
  const text = page.split('kafka-acls.sh').slice(1)
  const kinds = { topic: 2, group: 3, 'transactional-id': 5 } as const
  const operations: Readonly<Record<string, number>> = {
    ...{ Read: 3, Write: 4, Create: 5, Delete: 6, Describe: 8, DescribeConfigs: 10 },
  }
  return text.flatMap((part) => {
    const line = part.split('\n')[0]!
    const [, kind, name] = /--(topic|group|transactional-id) (\S+)/.exec(line)!
    const renamed = Object.entries(names).reduce((text, [from, to]) => text.replace(from, to), name!)
    return [...line.matchAll(/--operation (\w+)/g)].map(([, operation]) => ({
      resourceType: kinds[kind as keyof typeof kinds],
      resourceName: renamed,
      resourcePatternType: line.includes('prefixed') ? 4 : 3,
      principal: `User:${USER.username}`,
      host: '*',
      operation: operations[operation!]!,
      permissionType: 3,
    }))
  })
}
interface Acl {
  readonly resourceType: number
  readonly resourceName: string
  readonly resourcePatternType: number
  readonly principal: string
  readonly host: string
  readonly operation: number
  readonly permissionType: number
}

describe.skipIf('skip' in shared || lacking !== null)('a broker with TLS, logins and ACLs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-secure-'))
  let kafka: SecureKafka
  const ends: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    kafka = await startSecureKafka()
    writeFileSync(join(folder, 'password'), `${USER.password}\n`)
    writeFileSync(join(folder, 'token'), unsignedToken(USER.username))
    for (const [name, path] of Object.entries(kafka.files))
      writeFileSync(join(folder, `${name}.pem`), readFileSync(path))
  })
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  afterAll(async () => {
    await kafka?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** The connection that a configuration file in `folder` describes. */
  function connection(brokers: string, rest: string, env: Record<string, string> = {}): KafkaConfig {
    const path = join(folder, 'lapwing.yaml')
    writeFileSync(path, `log: { kind: kafka, brokers: ['${brokers}'], ${rest} }\n`)
    return loadConfig({ path, env }).log as KafkaConfig
  }
  const asked = (at: KafkaConnection) =>
    topicsOf(at, quiet).then(
      () => 'ok',
      (error: Error) => error.message,
    )
  const tls = 'ssl: { ca: ca.pem }'
  const login = (mechanism: string, password = 'password_file: password') =>
    `sasl: { mechanism: ${mechanism}, username: ${USER.username}, ${password} }`
  const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512']

  test('each mechanism logs in, with TLS and without; the frozen configuration is enough', async () => {
    for (const mechanism of mechanisms) {
      expect(await asked(connection(kafka.sasl, login(mechanism)))).toBe('ok')
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in the file
      const inVariable = connection(kafka.saslSsl, `${tls}, ${login(mechanism, "password: '${PW}'")}`, {
        PW: USER.password,
      })
      expect(await asked(inVariable)).toBe('ok')
    }
    const token = 'sasl: { mechanism: oauthbearer, token_file: token }'
    expect(await asked(connection(kafka.sasl, token))).toBe('ok')
    expect(await asked(connection(kafka.saslSsl, `${tls}, ${token}`))).toBe('ok')
  })
  test('a refused login says so, not that nobody answers', async () => {
    for (const mechanism of mechanisms) {
      const said = await asked(connection(kafka.saslSsl, `${tls}, ${login(mechanism, 'password: wrong-one')}`))
      expect(said).toMatch(/^127\.0\.0\.1:\d+: the login \(log\.sasl\) is refused: .*(invalid|Invalid)/)
      expect(said).not.toContain('wrong-one')
    }
    const token = 'sasl: { mechanism: oauthbearer, token: wrong-one }'
    expect(await asked(connection(kafka.sasl, token))).toMatch(/the login \(log\.sasl\) is refused: .*invalid_token/)
  })
  test('certificates: of the broker, of a client, wrong and missing ones', async () => {
    const scram = login('scram-sha-256')
    expect(await asked(connection(kafka.ssl, 'ssl: { ca: ca.pem, cert: cert.pem, key: key.pem }'))).toBe('ok')
    expect(await asked(connection(kafka.ssl, tls))).toContain(
      'it refuses the TLS connection (log.ssl.cert and log.ssl.key)',
    )
    for (const ssl of ['ssl: { ca: strangerCa.pem }', 'ssl: true'])
      expect(await asked(connection(kafka.saslSsl, `${ssl}, ${scram}`))).toContain(
        'its certificate is not trusted (log.ssl.ca)',
      )
    expect(await asked(connection(kafka.plain, tls))).toContain('this port speaks no TLS (log.ssl)')
    expect(await asked(connection(kafka.saslSsl, scram))).toContain('as ports for TLS (log.ssl) or logins')
    const used = (rest: string) => () => createClient(connection(kafka.saslSsl, rest), quiet)
    expect(used('ssl: { ca: none.pem }')).toThrow(`log.ssl.ca: ${join(folder, 'none.pem')}: no such file or folder`)
    expect(used('ssl: { ca: token }')).toThrow('it holds no certificate in PEM')
    expect(used('ssl: { cert: token, key: token }')).toThrow('log.ssl: ')
  })
  test('brokers with IPv6 addresses', async () => {
    if (kafka.ipv6 !== null) expect(await asked(connection(kafka.ipv6, ''))).toBe('ok')
    expect(await asked(connection('[::1]:1', ''))).toContain('no broker answers at [::1]:1: ')
  })

  /** A service with the rights of the user, and the sources of its rules on the broker. */
  async function prepared(name: string, rest = `${tls}, ${login('scram-sha-512')}`) {
    const own = configFor([kafka.plain], name)
    const config = { ...own, log: { ...connection(kafka.saslSsl, rest), group: `own-${name}` } }
    await createTopics([kafka.plain], { [config.streams[0]!.topic]: 2 })
    const admin = plainKafka([kafka.plain]).admin()
    await admin.connect()
    ends.push(() => admin.disconnect())
    ends.push(async () => rmSync(config.data, { recursive: true, force: true }))
    return { config, admin }
  }
  const brokerCheck = async (config: Config): Promise<string> => {
    for (const { name, look } of checksOf(() => config)) {
      if (name === 'config') await look()
      if (name === 'broker') return String(await Promise.resolve(look()).catch((error: Error) => error.message))
    }
    return ''
  }
  const names = (name: string) => ({
    lapwing: `own-${name}`,
    'trade.transactions.v1': `${name}.transactions`,
    'risk.': `${name}.`,
  })

  test('with the ACLs of the page orders become alerts; doctor and the engine name each right that is missing', async () => {
    const name = uniqueName('secure')
    const { config, admin } = await prepared(name)
    const rulesFolder = join(folder, 'rules')
    const checked = { ...config, streams: config.streams.slice(0, 1), rules: [rulesFolder] }
    rmSync(rulesFolder, { recursive: true, force: true })
    mkdirSync(rulesFolder)
    for (const [i, { text }] of RULES.entries()) writeFileSync(join(rulesFolder, `${i}.yaml`), text)

    const without = await brokerCheck(checked)
    expect(without).toContain(`missing right: topic ${name}.transactions: Describe`)
    expect(without).toContain(`missing right: group own-${name}-router: Read`)
    expect(without).toContain(`missing right: transactional id own-${name}-task-own-${name}.exchange.`)

    const acl = aclsOfThePage(names(name))
    await admin.createAcls({ acl })
    await sleep(500)
    expect(await brokerCheck(checked)).toContain('answers, all 1 source topics are there')

    const lines: string[] = []
    const note = (fields: object, message: string) => void lines.push(`${message}: ${JSON.stringify(fields)}`)
    const log = { debug() {}, info() {}, warn: note, error: note }
    const start = () => {
      const service = kafkaService(config, { ruleFiles: RULES, counters: new Counters(), log, sessionTimeoutMs: 3_000 })
      ends.push(() => service.stop())
      service.start()
      return service
    }
    const service = start()
    const producer = plainKafka([kafka.plain]).producer(ONCE)
    await producer.connect()
    ends.push(() => producer.disconnect())
    await sendDeals(
      producer,
      config.streams[0]!,
      Array.from({ length: 500 }, (_, n) => deal(n, Date.now(), 2)),
    )
    let alerts = 0
    const stop = new AbortController()
    const found = async () => {
      const options = { topic: config.outputs.alerts, follow: false, stop: stop.signal }
      alerts = 0
      await readOutputs({ ...configFor([kafka.plain], name).log }, quiet, options, () => alerts++).catch(() => {})
      return alerts > 0
    }
    for (let tries = 0; !(await found()) && tries < 100; tries++) await sleep(200)
    expect(alerts).toBeGreaterThan(0)
    // a broker that has just started loads its coordinators
    expect(lines.splice(0).filter((line) => !/coordinator/i.test(line))).toEqual([])
    await service.stop()

    const reads = acl.filter(
      ({ operation, resourceName }) => operation === 3 && resourceName === `${name}.transactions`,
    )
    await admin.deleteAcls({ filters: reads })
    await sleep(500)
    expect(await brokerCheck(checked)).toContain(`missing right: topic ${name}.transactions: Read`)
    start()
    for (let tries = 0; lines.length === 0 && tries < 100; tries++) await sleep(100)
    expect(lines.join('\n')).toContain(`topic ${name}.transactions: Read`)
  }, 90_000)

  test('a wrong password is the reason that the service gives, and doctor', async () => {
    const { config } = await prepared(uniqueName('refused'), `${tls}, ${login('scram-sha-256', 'password: wrong-one')}`)
    const log = { debug() {}, info() {}, warn() {}, error() {} }
    const service = kafkaService(config, { ruleFiles: RULES, counters: new Counters(), log })
    ends.push(() => service.stop())
    service.start()
    for (let tries = 0; service.ready().detail === 'starting' && tries < 50; tries++) await sleep(100)
    expect(service.ready().detail).toMatch(
      /the login \(log\.sasl\) is refused: SASL SCRAM SHA256 authentication failed/,
    )
    expect(await brokerCheck(config)).toMatch(/the login \(log\.sasl\) is refused/)
  })
})
