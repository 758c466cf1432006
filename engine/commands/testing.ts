import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Command, CommanderError } from 'commander'
import { packagePath } from '../kit/package-path.ts'
import { type ExitCode, explainFailure } from './exit.ts'
import type { Verb } from './options.ts'

/** Runs verbs for tests: in this process, or as their users do. */

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** One verb in this process, with what it says caught. */
export async function runVerb(add: (program: Command, verb: Verb) => void, ...args: string[]): Promise<Ended> {
  const said = { out: '', err: '' }
  const streams = [
    ['out', process.stdout],
    ['err', process.stderr],
  ] as const
  const restore = streams.map(([name, stream]) => {
    const { write } = stream
    stream.write = ((text: string | Uint8Array) => {
      said[name] += String(text)
      return true
    }) as typeof stream.write
    return () => {
      stream.write = write
    }
  })
  let code: ExitCode = 0
  const program = new Command('lapwing').exitOverride()
  add(program, (run) => async (...values) => {
    code = await run(...values)
  })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    code = error instanceof CommanderError ? 2 : explainFailure(error)
  } finally {
    for (const undo of restore) undo()
  }
  return { code, ...said }
}

/** `lapwing` as a process of its own in `folder`. */
export function startLapwing(folder: string, ...args: string[]) {
  const tsx = packagePath('node_modules/tsx/dist/esm/index.mjs')
  const child = spawn(process.execPath, ['--import', tsx, packagePath('engine/main.ts'), ...args], { cwd: folder })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  child.stdin.end()
  const ended: Promise<Ended> = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  return { ended, said, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}
