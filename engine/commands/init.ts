import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Command } from 'commander'
import { makeFolder } from '../kit/make-folder.ts'
import { systemText } from '../kit/system-error.ts'
import { EngineError } from '../model/errors.ts'
import { EXIT, type ExitCode, say, talk } from './exit.ts'
import { FILES } from './init/files.ts'
import type { Verb } from './options.ts'

export function addInit(program: Command, verb: Verb): void {
  program
    .command('init')
    .description('write a folder to work in: a rule with tests, a list, a configuration, a CI file')
    .argument('[folder]', 'made if need be', '.')
    .action(verb(init))
}

/** Writes all of it or, where one of the files is there already, nothing. */
export function init(folder: string): ExitCode {
  const there = Object.keys(FILES).filter((name) => existsSync(join(folder, name)))
  if (there.length > 0)
    throw new EngineError('USAGE', `${folder}: nothing was written, for these are there already: ${there.join(', ')}`)
  for (const [name, text] of Object.entries(FILES)) write(join(folder, name), text)
  const go = relative('', folder) === '' ? '' : `cd ${quoted(folder)} && `
  talk(`wrote ${Object.keys(FILES).join(', ')}; next:`)
  const next = [
    `${go}lapwing check rules       # every fault of the rules, with its place`,
    'lapwing test rules        # the tests that stand in them',
    'lapwing dev               # the engine on generated traffic, with these rules',
  ]
  for (const line of next) say(`  ${line}\n`)
  return EXIT.fine
}

function write(path: string, text: string): void {
  try {
    makeFolder(dirname(path))
    writeFileSync(path, text, { flag: 'wx' })
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `${path} cannot be written: ${systemText(error)}`, error)
  }
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
