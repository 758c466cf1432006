const LINE_EVERY_MS = 10_000
const BAR_EVERY_MS = 100
const BAR_WIDTH = 24

interface Target {
  readonly isTTY?: boolean | undefined
  write(text: string): unknown
}

/** How far a reading has come: a bar on a terminal, else a line every ten seconds. */
export class Progress {
  readonly #target: Target
  readonly #now: () => number
  #beganMs: number
  #saidMs: number
  #shown = false

  constructor(target: Target = process.stderr, now: () => number = () => performance.now()) {
    this.#target = target
    this.#now = now
    this.#beganMs = now()
    this.#saidMs = this.#beganMs
  }

  /** Another run: its rows are counted from 0. */
  begin(): void {
    this.#beganMs = this.#now()
  }

  /** `share`: of the input, null = unknown; `timeMs`: event time reached; `what`: which of several runs. */
  at(rows: number, share: number | null, timeMs: number, what = ''): void {
    const nowMs = this.#now()
    const isTerminal = this.#target.isTTY === true
    if (nowMs - this.#saidMs < (isTerminal ? BAR_EVERY_MS : LINE_EVERY_MS)) return
    this.#saidMs = nowMs
    const rate = Math.round(rows / Math.max(1e-3, (nowMs - this.#beganMs) / 1e3))
    const percent = share === null ? '' : `${Math.floor(100 * Math.min(1, share))}%, `
    const reached = Number.isFinite(timeMs) ? `, at ${new Date(timeMs).toISOString().slice(0, 19)}Z` : ''
    const text = `${what}${percent}${rows.toLocaleString('en-US')} events, ${rate.toLocaleString('en-US')} events/s${reached}`
    this.#shown = isTerminal
    this.#target.write(isTerminal ? `\r\x1b[K${share === null ? '' : `${bar(share)} `}${text}` : `${text}\n`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#shown) this.#target.write('\r\x1b[K')
    this.#shown = false
  }
}

function bar(share: number): string {
  const done = Math.round(BAR_WIDTH * Math.min(1, share))
  return `[${'#'.repeat(done)}${'.'.repeat(BAR_WIDTH - done)}]`
}
