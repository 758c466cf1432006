import { Kafka, logLevel } from 'kafkajs'

/** A plain client, for what is not measured and for the programs that engines are compared with. */
export function plainKafka(brokers: readonly string[], clientId: string): Kafka {
  return new Kafka({
    ...{ clientId, brokers: [...brokers], logLevel: logLevel.ERROR },
    retry: { initialRetryTime: 5, maxRetryTime: 1_000, retries: 12 },
  })
}

/** What a program of the benchmark was told: one JSON argument. */
export function settings<T>(): T {
  return JSON.parse(process.argv[2]) as T
}

/** Says one line to the benchmark that started the program. */
export function tell(what: string, value: object = {}): void {
  console.log(`${what} ${JSON.stringify(value)}`)
}

/** Milliseconds of the machine's clock with fractions: the same for all processes. */
export const nowMs = (): number => performance.timeOrigin + performance.now()
