import { readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { systemText } from '../../../kit/system-error.ts'
import type { RuleSource } from '../../../model/block.ts'
import { EngineError } from '../../../model/errors.ts'
import { EXIT, type ExitCode, say, talk } from '../../exit.ts'
import type { Updated } from './update.ts'

/** Shows every change; writes after a yes, or without asking if `isAgreed`. Nothing is written that was not shown. */
export async function offerUpdate(
  { files, diffs, left }: Updated,
  read: readonly RuleSource[],
  isAgreed: boolean,
): Promise<ExitCode> {
  for (const { test, diff } of diffs) say(`${test.file}: ${test.rule}@${test.version}: ${test.name}\n${diff}\n\n`)
  for (const test of left) {
    const place = `${test.file}:${test.line}`
    talk(`${place}: ${test.rule}@${test.version}: ${test.name}: still fails with what came out; change it by hand`)
  }
  if (diffs.length === 0) {
    if (left.length === 0) talk('all tests pass: nothing to update')
    return left.length > 0 ? EXIT.failed : EXIT.fine
  }
  const what = `${diffs.length} ${diffs.length === 1 ? 'test' : 'tests'} in ${[...files.keys()].join(', ')}`
  if (!isAgreed && !(await agrees(`Write the expectations of ${what}? [y/N] `))) {
    talk('nothing written; --yes writes without asking')
    return EXIT.failed
  }
  for (const [path, text] of files) write(path, read.find((file) => file.path === path)!.text, text)
  talk(`written: ${what}`)
  return left.length > 0 ? EXIT.failed : EXIT.fine
}

async function agrees(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(question)
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

function write(path: string, before: string, after: string): void {
  try {
    if (readFileSync(path, 'utf8') !== before)
      throw new EngineError(
        'INPUT_MISSING',
        `${path}: changed while the tests ran; nothing written to it, run it again`,
      )
    writeFileSync(path, after)
  } catch (error) {
    if (error instanceof EngineError) throw error
    throw new EngineError('INPUT_MISSING', `${path}: cannot be written: ${systemText(error)}`, error)
  }
}
