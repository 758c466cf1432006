import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startKafka } from './cluster.ts'
import { freePorts } from './ports.ts'
import type { Listener } from './properties.ts'

const run = promisify(execFile)

/** The same user, by every mechanism; `acls` decide what it may. */
export const USER = { username: 'risk', password: 'risk-password' } as const

export interface SecureKafka {
  /** Addresses of one broker. `plain` may do all; `ipv6` too, null where this machine has no `::1`. */
  readonly plain: string
  readonly ipv6: string | null
  readonly sasl: string
  readonly saslSsl: string
  /** Wants a client's certificate. */
  readonly ssl: string
  /** PEM files: `ca` of the broker and clients, `cert` and `key` of a client, `strangerCa` of nobody. */
  readonly files: Readonly<Record<'ca' | 'cert' | 'key' | 'strangerCa', string>>
  stop(): Promise<void>
}

/**
 * A broker with TLS, SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER with unsigned tokens) and ACLs, beside the
 * usual one without. Needs `openssl` besides what `startKafka` needs; certificates are made here, for a day.
 */
export async function startSecureKafka(): Promise<SecureKafka> {
  const dir = await mkdtemp(join(tmpdir(), 'lapwing-tls-'))
  const files = await certificates(dir)
  const [sasl, saslSsl, ssl, six] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`)
  const ipv6 = hasIpv6() ? six.replace('127.0.0.1', '[::1]') : null
  const listeners: Listener[] = [
    { name: 'LOGIN', address: sasl, protocol: 'SASL_PLAINTEXT', settings: login },
    { name: 'SECURE', address: saslSsl, protocol: 'SASL_SSL', settings: { ...login, ...tls(dir, 'none') } },
    { name: 'MUTUAL', address: ssl, protocol: 'SSL', settings: tls(dir, 'required') },
    ...(ipv6 ? [{ name: 'SIX', address: ipv6, protocol: 'PLAINTEXT', settings: {} } as const] : []),
  ]
  const settings = {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
  }
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((m) => `${m}=[name=${USER.username},password=${USER.password}]`)
  const cluster = await startKafka({ secure: { listeners, settings, scram } })
  const stop = async () => {
    await cluster.stop()
    await rm(dir, { recursive: true, force: true })
  }
  return { plain: cluster.brokers[0], ipv6, sasl, saslSsl, ssl, files, stop }
}

/** Null where `openssl` answers. */
export async function opensslMissing(): Promise<string | null> {
  return run('openssl', ['version']).then(
    () => null,
    () => 'openssl does not answer',
  )
}

/** A token that the broker takes: a JWT without a signature. */
export function unsignedToken(subject: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1_000)
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + 3_600 })}.`
}

const MODULES = 'org.apache.kafka.common.security'
const login: Listener['settings'] = {
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
  'plain.sasl.jaas.config': `${MODULES}.plain.PlainLoginModule required user_${USER.username}="${USER.password}";`,
  'scram-sha-256.sasl.jaas.config': `${MODULES}.scram.ScramLoginModule required;`,
  'scram-sha-512.sasl.jaas.config': `${MODULES}.scram.ScramLoginModule required;`,
  'oauthbearer.sasl.jaas.config': `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
}

function tls(dir: string, clients: 'none' | 'required'): Listener['settings'] {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(dir, 'broker.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(dir, 'ca.pem'),
    'ssl.client.auth': clients,
  }
}

async function certificates(dir: string): Promise<SecureKafka['files']> {
  const openssl = (...parameters: string[]) => run('openssl', parameters, { cwd: dir })
  const authority = (name: string) =>
    openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', `/CN=${name}`],
      ...['-keyout', `${name}.key`, '-out', `${name}.pem`],
    )
  const signed = async (name: string, more = '') => {
    await openssl(
      ...['req', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`],
      ...['-keyout', `${name}.key`, '-out', `${name}.csr`],
    )
    await writeFile(join(dir, `${name}.ext`), more)
    await openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '1'],
      ...['-extfile', `${name}.ext`, '-out', `${name}.crt`],
    )
  }
  await Promise.all([authority('ca'), authority('stranger')])
  await signed('broker', 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost\n')
  await signed('client')
  const parts = await Promise.all(['broker.key', 'broker.crt'].map((name) => readFile(join(dir, name), 'utf8')))
  await writeFile(join(dir, 'broker.pem'), parts.join(''))
  const path = (name: string) => join(dir, name)
  return { ca: path('ca.pem'), cert: path('client.crt'), key: path('client.key'), strangerCa: path('stranger.pem') }
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces())
    .flat()
    .some((at) => at?.address === '::1')
}
