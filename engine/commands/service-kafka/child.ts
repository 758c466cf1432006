import { type ChildProcess, spawn } from 'node:child_process'
import { on } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { RuleSource } from '../../model/block.ts'
import { RULES } from './deals.ts'

const READY_MS_MAX = 60_000

/** The service as a process of its own. `say` gets what it prints. Instances of one name have data folders of their own. */
export function startChild(
  brokers: readonly string[],
  name: string,
  say: (line: string) => void,
  { rules = RULES, instance = '' }: { rules?: readonly RuleSource[]; instance?: string } = {},
): ChildProcess {
  const file = fileURLToPath(new URL('crash-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', file, JSON.stringify({ brokers, name, rules, instance })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trimEnd().split('\n')) say(`  ${line}`)
  })
  return child
}

/** Resolves when it consumes. */
export async function readyChild(child: ChildProcess): Promise<void> {
  const deadline = AbortSignal.timeout(READY_MS_MAX)
  for await (const [text] of on(child.stdout!, 'data', { signal: deadline })) if (/^ready$/m.test(text)) return
}
