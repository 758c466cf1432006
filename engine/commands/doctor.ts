import type { Command } from 'commander'
import { loadConfig } from '../config.ts'
import { EngineError } from '../model/errors.ts'
import { type Check, checksOf } from './doctor/checks.ts'
import { EXIT, type ExitCode, say } from './exit.ts'
import { configOption, type Verb } from './options.ts'

interface DoctorOptions {
  readonly config?: string
  readonly data?: string
  readonly json?: boolean
}

export function addDoctor(program: Command, verb: Verb): void {
  program
    .command('doctor')
    .description('look at all that Lapwing needs, one line each; 1 when something is wrong')
    .addOption(configOption())
    .option('--data <folder>', 'folder of the local log, in place of the configured one')
    .option('--json', 'JSON lines')
    .action(verb(doctor))
}

async function doctor({ config: path, data, json }: DoctorOptions): Promise<ExitCode> {
  let wrong = 0
  for (const { name, look } of checksOf(() => loadConfig({ path, env: process.env, overrides: { data } }))) {
    const { ok, detail } = await outcome(look)
    if (detail === null) continue
    if (!ok) wrong++
    say(json ? `${JSON.stringify({ check: name, ok, detail })}\n` : lineOf(name, ok, detail))
  }
  return wrong > 0 ? EXIT.failed : EXIT.fine
}

async function outcome(look: Check['look']): Promise<{ ok: boolean; detail: string | null }> {
  try {
    return { ok: true, detail: await look() }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    return { ok: false, detail: error.message }
  }
}

function lineOf(name: string, ok: boolean, detail: string): string {
  return `${ok ? 'ok   ' : 'FAIL '} ${name.padEnd(9)} ${detail.replaceAll('\n', '\n                ')}\n`
}
