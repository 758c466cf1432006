import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { startThread } from '../../kit/thread.ts'
import { EngineError } from '../../model/errors.ts'
import type { Reply, Request } from './messages.ts'

const WAIT_MAX_MS = 120_000

let started: SegmentThread | null = null

/**
 * The thread that packs, writes and reads segments, as the tasks of this process see it. They are synchronous: they look
 * for answers when they come by, and where they cannot go on without one they wait.
 */
export class SegmentThread {
  readonly #port: MessagePort
  /** Number of answers ever given. */
  readonly #replies = new Int32Array(new SharedArrayBuffer(4))
  #seen = 0
  readonly #stores = new Map<number, (reply: Reply) => void>()
  #nextStore = 0

  /** One for the process, started when it is first asked for. */
  static shared(): SegmentThread {
    started ??= new SegmentThread()
    return started
  }

  private constructor() {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const entry = new URL('./thread', import.meta.url).href
    startThread(entry, { port: port2, replies: this.#replies }, [port2])
  }

  /** `take` gets the answers to this store's requests. */
  open(folder: string, take: (reply: Reply) => void): number {
    const store = this.#nextStore++
    this.#stores.set(store, take)
    this.post({ kind: 'open', store, folder })
    return store
  }

  post(request: Request, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(request, transfer)
  }

  /** Hands on the answers that have come. */
  takeReplies(): void {
    const count = Atomics.load(this.#replies, 0)
    if (count === this.#seen) return
    this.#seen = count
    for (let next = receiveMessageOnPort(this.#port); next; next = receiveMessageOnPort(this.#port)) {
      const reply: Reply = next.message
      this.#stores.get(reply.store)?.(reply)
    }
  }

  /** Waits for answers, and hands them on, until what they bring about is true. */
  waitUntil(isTrue: () => boolean): void {
    for (;;) {
      this.takeReplies()
      if (isTrue()) return
      if (Atomics.wait(this.#replies, 0, this.#seen, WAIT_MAX_MS) === 'timed-out') {
        throw new EngineError('STATE_CORRUPT', `the thread of the segments has said nothing for ${WAIT_MAX_MS / 1e3} s`)
      }
    }
  }

  /** Waits until nothing of the store is under way. */
  close(store: number): void {
    this.#stores.set(store, ({ kind }) => {
      if (kind === 'closed') this.#stores.delete(store)
    })
    this.post({ kind: 'close', store })
    this.waitUntil(() => !this.#stores.has(store))
  }
}
