/** Where one broker of a cluster listens: its clients, and the controllers. All on 127.0.0.1. */
export interface BrokerPorts {
  client: number
  controller: number
}

/** More than the plain listener: `NAME` to the address, the protocol and its own settings (`listener.name.…`, without that). */
export interface Listener {
  readonly name: string
  /** `127.0.0.1:port`, `[::1]:port`. */
  readonly address: string
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  readonly settings: Readonly<Record<string, string>>
}

/**
 * The `server.properties` of broker `id` (1-based), which is a KRaft controller too.
 *
 * Small for tests: few internal partitions, no waiting for more group members, session timeouts from 1 s. Transactions
 * that outlived their timeout are looked for every second (a broker's default: 10 s). A dead broker is noticed after 4 s
 * (default: 9 s), one that stands alone after 2 s: for so long after a SIGKILL it may not register again.
 */
export function properties(
  id: number,
  ports: readonly BrokerPorts[],
  logDirectory: string,
  more: readonly Listener[] = [],
  others: Readonly<Record<string, string>> = {},
): string {
  const own = ports[id - 1]
  const replicas = ports.length
  const minInSync = replicas === 1 ? 1 : 2
  const listeners = [
    `PLAINTEXT://127.0.0.1:${own.client}`,
    ...more.map(({ name, address }) => `${name}://${address}`),
  ].join(',')
  const protocols = more.map(({ name, protocol }) => `,${name}:${protocol}`).join('')
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': id,
    'controller.quorum.voters': ports.map(({ controller }, index) => `${index + 1}@127.0.0.1:${controller}`).join(','),
    listeners: `${listeners},CONTROLLER://127.0.0.1:${own.controller}`,
    'advertised.listeners': listeners,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}`,
    'log.dirs': logDirectory,
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'min.insync.replicas': minInSync,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1_000,
    'offsets.topic.num.partitions': 4,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': 4,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minInSync,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1_000,
    'broker.session.timeout.ms': replicas === 1 ? 2_000 : 4_000,
    'broker.heartbeat.interval.ms': 500,
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    ...others,
  }
  for (const { name, settings: own } of more)
    for (const [key, value] of Object.entries(own)) settings[`listener.name.${name.toLowerCase()}.${key}`] = value
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  return `${lines.join('\n')}\n`
}
