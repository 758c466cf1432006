import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Guarded } from '../../scripts/kafka/guarded.ts'

const TICKS_PER_SECOND = 100
const LOOK_MS = 20

export interface Usage {
  /** User and system, all threads, seconds since the process began. */
  readonly cpuS: number
  readonly peakMb: number
}

/** Of a process that runs; null when it is gone. */
export function usageOf(pid: number): Usage | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const peak = readFileSync(`/proc/${pid}/status`, 'latin1').match(/VmHWM:\s+(\d+)/)
    return {
      cpuS: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
      peakMb: Number(peak?.[1] ?? 0) / 1_024,
    }
  } catch {
    return null
  }
}

/** A measured process: it cannot outlive this one. Errors name its last lines. */
export class Child {
  readonly name: string
  readonly #process: Guarded

  /** `folder` goes with it when this process is killed. */
  constructor(name: string, command: string, parameters: readonly string[], folder = '') {
    this.name = name
    this.#process = new Guarded(command, parameters, { removeOnCrash: folder })
  }

  /** A TypeScript program of this folder, with its settings. */
  static program(file: string, settings: object): Child {
    const path = fileURLToPath(new URL(file, import.meta.url))
    return new Child(file, process.execPath, ['--import', 'tsx', path, JSON.stringify(settings)])
  }

  get pid(): number {
    return this.#process.pid
  }

  /** Throws when it has ended. */
  usage(): Usage {
    const usage = usageOf(this.pid)
    if (!usage || !this.#process.running) throw new Error(`${this.name} has ended:\n${this.#process.lines.join('\n')}`)
    return usage
  }

  /** What it says behind `what`, once it does. Throws when it ends before, or after `limitS`. */
  async told<T>(what: string, limitS: number): Promise<T> {
    const deadline = performance.now() + limitS * 1_000
    for (;;) {
      const { running, lines } = this.#process
      const line = lines.find((text) => text.startsWith(`${what} `))
      if (line !== undefined) return JSON.parse(line.slice(what.length + 1)) as T
      const state = running ? `has not said "${what}" for ${limitS} s` : `has ended without "${what}"`
      if (!running || performance.now() > deadline) throw new Error(`${this.name} ${state}:\n${lines.join('\n')}`)
      await sleep(LOOK_MS)
    }
  }

  /** SIGTERM, and time to write a profile. */
  stop(): Promise<void> {
    return this.#process.stop(60_000)
  }
}

/** Runs a program to its end: what it said behind `done`. */
export async function finished<T>(file: string, settings: object, limitS = 1_800): Promise<T> {
  const child = Child.program(file, settings)
  try {
    return await child.told<T>('done', limitS)
  } finally {
    await child.stop()
  }
}
