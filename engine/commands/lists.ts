import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { hasLocalLog } from '../edge/local/local-log.ts'
import { RulesBeside } from '../edge/local/rules.ts'
import { parseDuration } from '../kit/duration.ts'
import { Counters } from '../model/counters.ts'
import { EngineError } from '../model/errors.ts'
import type { RuleSet } from '../model/rule.ts'
import { Lists } from '../task/lists.ts'
import { META_KEY } from '../task/meta.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { type Changing, changeable, itemsFor, listsToShow, print, setOf, tell } from './list-texts.ts'
import { changeKafka, showKafka } from './lists-kafka.ts'
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
  if (config.log.kind === 'kafka') return showKafka(name, config, config.log, options.json === true)
  const beside = open(config)
  try {
    const set = setOf(beside.inForce(), config.streams)
    const lists = listsNow(beside, set)
    for (const list of listsToShow(set, name)) print(list, lists.items(list.id) ?? [], name, options.json === true)
    return EXIT.fine
  } finally {
    beside.close()
  }
}

/** As the engine's last commit has them. */
function listsNow(beside: RulesBeside, set: RuleSet): Lists {
  const kept = beside.kept()
  const lists = new Lists(new Counters())
  lists.restore(kept)
  lists.install(set)
  lists.clock = { streamMs: JSON.parse(kept.get(META_KEY) ?? '{}').streamMs ?? Number.NEGATIVE_INFINITY }
  return lists
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
  const changing = { what, name, texts, ttlMs, waitMs: options.wait * 1_000 }
  if (config.log.kind === 'kafka') return changeKafka(changing, config, config.log)
  return changeLocal(changing, config)
}

async function changeLocal({ what, name, texts, ttlMs, waitMs }: Changing, config: Config): Promise<ExitCode> {
  const beside = open(config)
  try {
    const set = setOf(beside.last(), config.streams)
    const items = itemsFor(changeable(set, name), { what, texts })
    const before = listsNow(beside, set).items(name) ?? []
    const changed = { add: [], remove: [], [what]: items }
    const position = beside.change({ kind: 'list', list: name, ...changed, ttlMs, atMs: Date.now() })
    const reception = await beside.received(position, waitMs)
    return tell(reception, { what, name, items, before, engine: `engine runs on ${config.data}` })
  } finally {
    beside.close()
  }
}

function configOf(options: ListsOptions): Config {
  return loadConfig({ path: options.config, env: process.env, overrides: { data: options.data } })
}

function open({ data, streams }: Config): RulesBeside {
  if (!hasLocalLog(data)) throw new EngineError('INPUT_MISSING', `${data}: there is no local log`)
  return new RulesBeside(data, streams)
}
