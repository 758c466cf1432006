import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

const LOG_LINES_MAX = 40

/** Reads one line from our pipe: a line means "not needed any more", the end of the pipe that we are dead, however we died. */
const WATCHDOG = 'read -r line || { kill -9 "$0"; if [ -n "$1" ]; then sleep 1; rm -rf -- "$1"; fi; } 2>/dev/null'

export interface GuardedOptions {
  /** A folder that the watchdog removes as well, for it to leave no litter after a crash. */
  removeOnCrash?: string
  /** Print what the process writes, each line with this prefix. Without it only the last 40 lines are kept. */
  echo?: string
}

/**
 * A child process that cannot outlive this one, not even after SIGKILL: a shell waits on a pipe that only we hold open,
 * and kills the child when it closes. Child and shell have process groups of their own, so Ctrl-C reaches only us.
 *
 * Needs a POSIX `sh`.
 */
export class Guarded {
  readonly pid: number
  /** The last lines of standard output and error together, oldest first. */
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #watchdog: ChildProcess
  readonly #gone: Promise<unknown>

  constructor(command: string, parameters: readonly string[], { removeOnCrash = '', echo }: GuardedOptions = {}) {
    this.#child = spawn(command, parameters, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#gone = once(this.#child, 'close').catch((error: Error) => this.lines.push(error.message))
    if (this.#child.pid === undefined) throw new Error(`${command} cannot be started`)
    this.pid = this.#child.pid
    const watch = ['-c', WATCHDOG, String(this.pid), removeOnCrash]
    this.#watchdog = spawn('sh', watch, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
    this.#watchdog.stdin?.on('error', () => {}) // EPIPE when somebody ended the shell before us
    this.#child.once('exit', () => this.#watchdog.stdin?.end('done\n'))
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keep(text, echo))
    }
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends any signal, SIGSTOP and SIGCONT among them; a process that is gone is left in peace. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal)
  }

  /** Resolves once the process is gone and `lines` has its last words. */
  async gone(): Promise<void> {
    await this.#gone
  }

  /** SIGTERM, after `termMsMax` SIGKILL; resolves once the process is gone. */
  async stop(termMsMax = 10_000): Promise<void> {
    this.signal('SIGCONT') // a stopped process would not hear SIGTERM
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), termMsMax)
    await this.#gone
    clearTimeout(timer)
  }

  #keep(text: string, echo: string | undefined): void {
    for (const line of text.split('\n')) {
      if (line === '') continue
      this.lines.push(line)
      if (echo !== undefined) process.stderr.write(`${echo}${line}\n`)
    }
    this.lines.splice(0, this.lines.length - LOG_LINES_MAX)
  }
}
