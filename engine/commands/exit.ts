import { printable, printableLines } from '../kit/printable.ts'
import { EngineError } from '../model/errors.ts'

/** RULES.md, "Command line". */
export const EXIT = { fine: 0, failed: 1, couldNotRun: 2, onlyWarnings: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Says what went wrong on standard error: an operating error in a line, a programmer's mistake with its trace. */
export function explainFailure(error: unknown): ExitCode {
  if (error instanceof EngineError) {
    const isReport = error.code === 'RULES_INVALID' || error.code === 'CONFIG_INVALID'
    if (isReport) talkLines(error.message)
    else if (error.code === 'USAGE') talkLines(`lapwing: ${error.message}`)
    else talk(`lapwing: ${error.message}`)
  } else
    talkLines(`lapwing: this is a fault in Lapwing itself: ${error instanceof Error ? error.stack : String(error)}`)
  return EXIT.couldNotRun
}

/** Talk goes to standard error, data to standard output. What others wrote keeps it one line. */
export function talk(line: string): void {
  process.stderr.write(`${printable(line)}\n`)
}

/** Several lines, put together from parts that are printable in one. */
export function talkLines(text: string): void {
  process.stderr.write(`${printableLines(text)}\n`)
}

/** Data, or lines put together from parts that are printable in one. False where standard output wants a pause. */
export function say(text: string): boolean {
  return process.stdout.write(printableLines(text))
}
