import { readdirSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { packagePath } from '../kit/package-path.ts'
import { EngineError } from '../model/errors.ts'
import { didYouMean } from '../rules/source/suggest.ts'
import { EXIT, type ExitCode } from './exit.ts'
import type { Verb } from './options.ts'

const FILE = /^(.+?)\.(?:avsc|schema\.json)$/

export function addSchema(program: Command, verb: Verb): void {
  program
    .command('schema')
    .description('print a schema that ships with Lapwing; without a name, their names')
    .argument('[name]')
    .action(verb(schema))
}

function schema(name: string | undefined): ExitCode {
  const files = new Map(
    readdirSync(packagePath('schemas')).flatMap((file): [string, string][] => {
      const [, title] = FILE.exec(file) ?? []
      return title === undefined ? [] : [[title, file]]
    }),
  )
  if (name === undefined) {
    process.stdout.write([...files.keys()].map((title) => `${title}\n`).join(''))
    return EXIT.fine
  }
  const file = files.get(name)
  if (file === undefined) {
    const hint = didYouMean(name, files.keys()) ?? `there are ${[...files.keys()].join(', ')}`
    throw new EngineError('USAGE', `there is no schema "${name}": ${hint}`)
  }
  process.stdout.write(readFileSync(packagePath(`schemas/${file}`), 'utf8'))
  return EXIT.fine
}
