import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import { isMap, parseAllDocuments } from 'yaml'
import { wholeText } from '../kit/encodings.ts'
import { systemText } from '../kit/system-error.ts'
import type { RuleSource } from '../model/block.ts'
import { EngineError } from '../model/errors.ts'
import { talk } from './exit.ts'

const RULE_FILE = /\.ya?ml$/
const TEST_FILE = /\.test\.ya?ml$/
/** Of a list's file: its items are at most 100,000. */
const LIST_BYTES_MAX = 64 << 20
const CONFIGURATION = /^lapwing\.ya?ml$/

/**
 * The rule files that `paths` name: files as they are, folders with everything below them that ends in .yaml or .yml,
 * and the `lists/` beside a file that was named alone. `tests`: `<name>.test.yaml` as well. Each file once, in the order
 * of the paths and of their names; then the files that lists read their items from. A configuration in a folder is left
 * out, and said. EngineError INPUT_MISSING when one cannot be read, or a folder has no rule file.
 */
export function readRuleFiles(paths: readonly string[], { tests = false } = {}): RuleSource[] {
  const found = new Map<string, Found>()
  const take = (path: string, folder: string): void => {
    const real = reading(path, () => realpathSync(path))
    if (!found.has(real)) found.set(real, { path, folder })
  }
  for (const path of paths) {
    const wanted = (file: string) => RULE_FILE.test(file) && (tests || !TEST_FILE.test(file))
    if (reading(path, () => statSync(path).isDirectory())) {
      const isConfiguration = (file: string) => CONFIGURATION.test(basename(file))
      const all = filesBelow(path).filter(wanted)
      for (const file of all.filter(isConfiguration)) talk(`${shown(file)}: the configuration, no rule file: left out`)
      const files = all.filter((file) => !isConfiguration(file))
      if (files.length === 0) throw new EngineError('INPUT_MISSING', `${path}: no rule files (*.yaml) in this folder`)
      for (const file of files) take(file, path)
      continue
    }
    take(path, dirname(path))
    const test = path.replace(RULE_FILE, '.test.yaml')
    if (tests && !TEST_FILE.test(path) && existsSync(test)) take(test, dirname(path))
    const lists = join(dirname(path), 'lists')
    if (basename(dirname(path)) !== 'lists' && existsSync(lists))
      for (const file of filesBelow(lists).filter(wanted)) take(file, dirname(path))
  }
  const files = [...found.values()].map(({ path, folder }) => ({
    folder,
    source: { path: shown(path), text: reading(path, () => readFileSync(path, 'utf8')) },
  }))
  return [...files.map((f) => f.source), ...listFiles(files)]
}

/** A rule file, and the folder that its lists may read from. */
interface Found {
  readonly path: string
  readonly folder: string
}

/**
 * The files that lists among `files` read their items from; one that is not there is the compiler's to report. EngineError
 * INPUT_MISSING for one that lies elsewhere, is no plain file, or is longer than any list.
 */
function listFiles(files: readonly { readonly folder: string; readonly source: RuleSource }[]): RuleSource[] {
  const paths = new Map<string, string>()
  for (const { folder, source } of files) {
    const { path, text } = source
    if (!/^source:/m.test(text)) continue
    for (const document of parseAllDocuments(text, { logLevel: 'silent' })) {
      const file = isMap(document.contents) ? document.getIn(['source', 'file']) : undefined
      if (typeof file === 'string') paths.set(join(dirname(path), file), folder)
    }
  }
  return [...paths]
    .filter(([path]) => existsSync(path))
    .map(([path, folder]) => ({ path, text: reading(path, () => listText(path, folder)), data: true }))
}

function listText(path: string, folder: string): string {
  const below = relative(realpathSync(folder), realpathSync(path))
  const refuse = (why: string) => new EngineError('INPUT_MISSING', `${path}: a list is not read from it: ${why}`)
  if (below.startsWith('..') || isAbsolute(below)) throw refuse(`it is not below the folder of the rules, ${folder}`)
  const { size } = statSync(path)
  if (!statSync(path).isFile()) throw refuse('it is no plain file')
  if (size > LIST_BYTES_MAX) throw refuse(`${size} bytes; at most ${LIST_BYTES_MAX}`)
  const text = wholeText(readFileSync(path), 'utf-8')
  if (text !== null) return text
  throw new EngineError('INPUT_MALFORMED', `${path}: it is not UTF-8: save it as UTF-8 (iconv -f gbk -t utf-8)`)
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return []
    return entry.isDirectory() ? filesBelow(path) : statSync(path, { throwIfNoEntry: false })?.isFile() ? [path] : []
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
