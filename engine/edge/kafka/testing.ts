import { EventEmitter } from 'node:events'
import type { Assignment } from './membership.ts'

const events = { HEARTBEAT: 'heartbeat', GROUP_JOIN: 'join', CRASH: 'crash' }

/** kafkajs's consumer, whose events the test makes. */
export class FakeConsumer extends EventEmitter {
  readonly events = events
  readonly calls: string[] = []
  /** What joining waits for. */
  gate: Promise<unknown> = Promise.resolve()

  override on(event: string, listener: (event: { payload: never }) => void): never {
    super.on(event, listener)
    return (() => this.off(event, listener)) as never
  }
  async connect() {
    this.calls.push('connect')
    await this.gate
  }
  async subscribe() {
    this.calls.push('subscribe')
  }
  async run() {
    this.calls.push('run')
  }
  async disconnect() {
    this.calls.push('disconnect')
  }
  pause(topics: readonly { topic: string }[]) {
    this.calls.push(`pause ${topics.map(({ topic }) => topic)}`)
  }
  join(memberAssignment: Assignment) {
    this.emit(events.GROUP_JOIN, { payload: { memberAssignment } })
  }
  crash(error: Error) {
    this.emit(events.CRASH, { payload: { error } })
  }
  heartbeat() {
    this.emit(events.HEARTBEAT, {})
  }
}
