import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config.ts'
import { LocalControl } from '../edge/local/control.ts'
import type { Asked, ControlStore, Reception } from '../model/control.ts'
import { serviceLogger } from './service/serve.ts'

const LOOK_EVERY_MS = 50

/**
 * Opens the rules and lists of the configured log for `work`, and closes them. A local log is made where there is none.
 * EngineErrors as `sqliteError` says; KAFKA_UNREACHABLE.
 */
export async function withControl<T>(config: Config, work: (control: ControlStore) => Promise<T>): Promise<T> {
  const { log: connection, data, streams, outputs } = config
  if (connection.kind === 'kafka') {
    const { GroupControl } = await import('../edge/kafka/group-control.ts')
    return GroupControl.with({ connection, streams, outputs, log: serviceLogger() }, work)
  }
  const control = new LocalControl(data, streams)
  try {
    return await work(control)
  } finally {
    control.close()
  }
}

/** What has become of it after `waitMs`, or as soon as that is clear. */
export async function waited(asked: Asked, waitMs: number): Promise<Reception> {
  const untilMs = performance.now() + waitMs
  for (;;) {
    const reception = await asked()
    if (reception !== 'waiting' || performance.now() >= untilMs) return reception
    await sleep(LOOK_EVERY_MS)
  }
}
