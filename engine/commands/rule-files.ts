import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { isMap, parseAllDocuments } from 'yaml'
import { wholeText } from '../kit/encodings.ts'
import { systemText } from '../kit/system-error.ts'
import type { RuleSource } from '../model/block.ts'
import { EngineError } from '../model/errors.ts'
import { talk } from './exit.ts'

const RULE_FILE = /\.ya?ml$/
const TEST_FILE = /\.test\.ya?ml$/
const CONFIGURATION = /^lapwing\.ya?ml$/

/**
 * The rule files that `paths` name: files as they are, folders with everything below them that ends in .yaml or .yml,
 * and the `lists/` beside a file that was named alone. `tests`: `<name>.test.yaml` as well. Each file once, in the order
 * of the paths and of their names; then the files that lists read their items from. A configuration in a folder is left
 * out, and said. EngineError INPUT_MISSING when one cannot be read, or a folder has no rule file.
 */
export function readRuleFiles(paths: readonly string[], { tests = false } = {}): RuleSource[] {
  const found = new Map<string, string>()
  const take = (path: string): void => {
    const real = reading(path, () => realpathSync(path))
    if (!found.has(real)) found.set(real, path)
  }
  for (const path of paths) {
    const wanted = (file: string) => RULE_FILE.test(file) && (tests || !TEST_FILE.test(file))
    if (reading(path, () => statSync(path).isDirectory())) {
      const isConfiguration = (file: string) => CONFIGURATION.test(basename(file))
      const all = filesBelow(path).filter(wanted)
      for (const file of all.filter(isConfiguration)) talk(`${shown(file)}: the configuration, no rule file: left out`)
      const files = all.filter((file) => !isConfiguration(file))
      if (files.length === 0) throw new EngineError('INPUT_MISSING', `${path}: no rule files (*.yaml) in this folder`)
      files.forEach(take)
      continue
    }
    take(path)
    const test = path.replace(RULE_FILE, '.test.yaml')
    if (tests && !TEST_FILE.test(path) && existsSync(test)) take(test)
    const lists = join(dirname(path), 'lists')
    if (basename(dirname(path)) !== 'lists' && existsSync(lists)) filesBelow(lists).filter(wanted).forEach(take)
  }
  const files = [...found.values()].map((path) => ({
    path: shown(path),
    text: reading(path, () => readFileSync(path, 'utf8')),
  }))
  return [...files, ...listFiles(files)]
}

/** The files that lists among `files` read their items from; one that is not there is the compiler's to report. */
function listFiles(files: readonly RuleSource[]): RuleSource[] {
  const paths = new Set<string>()
  for (const { path, text } of files) {
    if (!/^source:/m.test(text)) continue
    for (const document of parseAllDocuments(text, { logLevel: 'silent' })) {
      const file = isMap(document.contents) ? document.getIn(['source', 'file']) : undefined
      if (typeof file === 'string') paths.add(join(dirname(path), file))
    }
  }
  return [...paths]
    .filter((path) => existsSync(path))
    .map((path) => ({ path, text: reading(path, () => listText(path)), data: true }))
}

/** EngineError INPUT_MALFORMED where it is in another encoding: no item is made of something else than it says. */
function listText(path: string): string {
  const text = wholeText(readFileSync(path), 'utf-8')
  if (text !== null) return text
  throw new EngineError('INPUT_MALFORMED', `${path}: it is not UTF-8: save it as UTF-8 (iconv -f gbk -t utf-8)`)
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

function reading<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof EngineError) throw error
    throw new EngineError('INPUT_MISSING', `${path}: ${systemText(error)}`, error)
  }
}

/** As a person in the working folder would write it. */
function shown(path: string): string {
  const near = relative('', path)
  return near === '' || near.startsWith('..') ? path : near
}
