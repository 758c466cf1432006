import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { packagePath } from '../../engine/kit/package-path.ts'

const PIECES = 200

export interface Process {
  /** The engine says that it runs; rejects when it ends before. */
  readonly started: Promise<void>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM; rejects unless it ends with 0. */
  stop(): Promise<void>
  /** Rejects when it has ended by itself. */
  alive(): Promise<void>
}

/** `lapwing run` on the local log in `data`. */
export function runEngine(data: string): Process {
  const child = lapwing(['run', '--data', data, '--port', '0'], 'ignore')
  let said = ''
  const ended = once(child, 'exit')
  const started = new Promise<void>((resolve, reject) => {
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('"running"')) resolve()
    })
    void ended.then(([code]) => reject(new Error(`lapwing run ended with ${code}: ${said}`)))
  })
  started.catch(() => {}) // whoever does not await it does not mind
  return {
    started,
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      if (code !== 0) throw new Error(`lapwing run ended with ${code}: ${said}`)
    },
    async alive() {
      if (child.exitCode !== null) throw new Error(`lapwing run ended with ${child.exitCode}: ${said}`)
    },
  }
}

/** Feeds the file to `lapwing ingest -`, piece by piece over `spanMs`. */
export async function feedPaced(file: string, data: string, spanMs: number): Promise<void> {
  const child = lapwing(['ingest', '-', '--data', data], 'pipe')
  const ended = once(child, 'exit')
  const highWaterMark = Math.max(1_024, Math.ceil(statSync(file).size / PIECES))
  for await (const piece of createReadStream(file, { highWaterMark })) {
    if (!child.stdin!.write(piece)) await once(child.stdin!, 'drain')
    await sleep(spanMs / PIECES)
  }
  child.stdin!.end()
  const [code] = await ended
  if (code !== 0) throw new Error(`lapwing ingest ended with ${code}`)
}

function lapwing(args: readonly string[], stdin: 'pipe' | 'ignore'): ChildProcess {
  const command = ['--import', 'tsx', packagePath('engine/main.ts'), ...args]
  // snapshots as often as can be: most kills come while one is written
  const env = { ...process.env, LAPWING_SNAPSHOTS_EVERY: '50ms' }
  return spawn(process.execPath, command, { cwd: packagePath('.'), env, stdio: [stdin, 'ignore', 'pipe'] })
}
