import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { existingLog } from '../edge/local/local-log.ts'
import { parseDuration } from '../kit/duration.ts'
import { EngineError } from '../model/errors.ts'
import { waited, withControl } from './control.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { changeable, itemsFor, listsToShow, print, setOf, tell } from './list-texts.ts'
import { configOption, positiveNumber, type Verb } from './options.ts'

interface ListsOptions {
  readonly config?: string
  readonly data?: string
  readonly json?: boolean
  readonly ttl?: string
  readonly wait: number
}

export function addLists(program: Command, verb: Verb): void {
  const lists = program.command('lists').description('the named lists of the rules in force: show them, change them')
  const common = (command: Command): Command =>
    command
      .addOption(configOption())
      .option('--data <folder>', 'folder of the local log, in place of the configured one')
  const changing = (command: Command): Command =>
    common(command)
      .argument('<list>')
      .argument('<item...>')
      .option('--wait <seconds>', 'how long the engine may take', positiveNumber, 10)
  common(lists.command('show').description('all lists, or the items of one').argument('[list]'))
    .option('--json', 'JSON lines')
    .action(verb(show))
  changing(lists.command('add').description('put items on a list, for what is read from now on'))
    .option('--ttl <duration>', 'how long they stay, by event time: 30m, 24h')
    .action(verb((list: string, items: string[], options: ListsOptions) => change('add', list, items, options)))
  changing(lists.command('remove').description('take items off a list, for what is read from now on')).action(
    verb((list: string, items: string[], options: ListsOptions) => change('remove', list, items, options)),
  )
}

async function show(name: string | undefined, options: ListsOptions): Promise<ExitCode> {
  const config = configOf(options)
  return withControl(config, async (control) => {
    const set = setOf(await control.inForce(), config.streams)
    const lists = listsToShow(set, name)
    const items = await control.items(set, lists)
    for (const list of lists) print(list, items.get(list.id)!, name, options.json === true)
    return EXIT.fine
  })
}

async function change(
  what: 'add' | 'remove',
  name: string,
  texts: readonly string[],
  options: ListsOptions,
): Promise<ExitCode> {
  const ttlMs = options.ttl === undefined ? null : parseDuration(options.ttl)
  if (options.ttl !== undefined && (ttlMs === null || ttlMs <= 0))
    throw new EngineError('USAGE', `--ttl ${options.ttl}: no duration such as 30m or 24h`)
  const config = configOf(options)
  return withControl(config, async (control) => {
    const set = setOf((await control.last()).files, config.streams)
    const list = changeable(set, name)
    const items = itemsFor(list, what, texts)
    const before = (await control.items(set, [list])).get(name)!
    const changed = { add: [], remove: [], [what]: items }
    const asked = await control.change(set, { kind: 'list', list: name, ...changed, ttlMs, atMs: Date.now() })
    return tell(await waited(asked, options.wait * 1_000), { what, name, items, before, engine: control.engine })
  })
}

/** EngineError INPUT_MISSING where there is no log that could have lists. */
function configOf(options: ListsOptions): Config {
  const config = loadConfig({ path: options.config, env: process.env, overrides: { data: options.data } })
  if (config.log.kind === 'local') existingLog(config.data)
  return config
}
