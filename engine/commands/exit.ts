import { EngineError } from '../model/errors.ts'

/** RULES.md, "Command line". */
export const EXIT = { fine: 0, failed: 1, couldNotRun: 2, onlyWarnings: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Says what went wrong on standard error: an operating error in a line, a programmer's mistake with its trace. */
export function explainFailure(error: unknown): ExitCode {
  if (error instanceof EngineError) {
    const isReport = error.code === 'RULES_INVALID' || error.code === 'CONFIG_INVALID'
    talk(isReport ? error.message : `lapwing: ${error.message}`)
  } else talk(`lapwing: this is a fault in Lapwing itself: ${error instanceof Error ? error.stack : String(error)}`)
  return EXIT.couldNotRun
}

/** Talk goes to standard error, data to standard output. */
export function talk(line: string): void {
  process.stderr.write(`${line}\n`)
}
