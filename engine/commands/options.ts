import { InvalidArgumentError, Option } from 'commander'
import type { ExitCode } from './exit.ts'

/** Makes a commander action of a function that says how it went. */
// biome-ignore lint/suspicious/noExplicitAny: commander hands over what the command declares
export type Verb = <A extends any[]>(run: (...args: A) => ExitCode | Promise<ExitCode>) => (...args: A) => Promise<void>

export function configOption(): Option {
  return new Option('-c, --config <file>', 'configuration; else LAPWING_CONFIG, else lapwing.yaml if there is one')
}

/** For verbs that write JSON lines whatever is said. */
export function jsonAlways(): Option {
  return new Option('--json', 'results are JSON lines anyway').hideHelp()
}

/** The first choice is the default. */
export function oneOf(flags: string, description: string, choices: readonly string[]): Option {
  return new Option(flags, description).choices(choices).default(choices[0])
}

export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('It is no whole number.')
  return value
}

export function positiveNumber(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It is no number above 0.')
  return value
}

/** A number above 0 that may end in k: 5k is 5,000. */
export function rateNumber(text: string): number {
  const thousands = /^(.+)k$/i.exec(text)
  return thousands ? 1_000 * positiveNumber(thousands[1]!) : positiveNumber(text)
}

export function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}
