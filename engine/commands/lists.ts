import type { Command } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import { hasLocalLog } from '../edge/local/local-log.ts'
import { RulesBeside } from '../edge/local/rules.ts'
import { parseDuration } from '../kit/duration.ts'
import { Counters } from '../model/counters.ts'
import { EngineError } from '../model/errors.ts'
import type { ListItem, NamedList, RuleSet } from '../model/rule.ts'
import { compileRuleSet } from '../rules/index.ts'
import { didYouMean } from '../rules/source/suggest.ts'
import { Lists } from '../task/lists.ts'
import { META_KEY } from '../task/meta.ts'
import { EXIT, type ExitCode, talk } from './exit.ts'
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

function show(name: string | undefined, options: ListsOptions): ExitCode {
  const { config, beside } = open(options)
  try {
    const set = setOf(beside.inForce(), config.streams)
    const lists = listsNow(beside, set)
    const shown = name === undefined ? set.lists : [known(set, name)]
    const text = shown.map((list) =>
      lineOf(list, lists.items(list.id) ?? [], options.json === true, name === undefined),
    )
    process.stdout.write(text.join(''))
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

function lineOf({ id, kind, source }: NamedList, items: readonly ListItem[], json: boolean, short: boolean): string {
  if (json) return `${JSON.stringify({ list: id, kind, source: source ?? null, items })}\n`
  if (!short) return items.map((item) => `${item}\n`).join('')
  const from =
    source === undefined
      ? ''
      : `, from ${'path' in source ? source.path : 'topic' in source ? `topic ${source.topic}` : `alerts of ${source.rule}`}`
  return `${id}: ${kind}, ${items.length} items${from}\n`
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
  const { config, beside } = open(options)
  try {
    const set = setOf(beside.last(), config.streams)
    const { of, source } = known(set, name)
    if (source?.kind === 'file')
      throw new EngineError('USAGE', `${name} is what ${source.path} says: change that, then lapwing rules push`)
    const items = texts.map((text) => itemOf(text, of, name))
    const before = new Set(listsNow(beside, set).items(name) ?? [])
    const changed = { add: [], remove: [], [what]: items }
    const position = beside.change({ kind: 'list', list: name, ...changed, ttlMs, atMs: Date.now() })
    const reception = await beside.received(position, options.wait * 1_000)
    const done = `${items.length} ${items.length === 1 ? 'item' : 'items'} ${what === 'add' ? 'added to' : 'removed from'} ${name}`
    const idle = reception === 'taken' ? items.filter((item) => before.has(item) === (what === 'add')) : []
    const was = what === 'add' ? 'there already' : 'not there'
    if (reception === 'taken') talk(`${done}: in force${idle.length > 0 ? ` (${was}: ${idle.join(', ')})` : ''}`)
    else if (reception === 'no engine') talk(`${done}: no engine runs on ${config.data}, its next start will take it`)
    else talk(`${done}: the engine has not come to it yet; it will, in order`)
    return reception === 'waiting' ? EXIT.failed : EXIT.fine
  } finally {
    beside.close()
  }
}

function open(options: ListsOptions): { config: Config; beside: RulesBeside } {
  const config = loadConfig({ path: options.config, env: process.env, overrides: { data: options.data } })
  if (config.log.kind === 'kafka')
    throw new EngineError(
      'USAGE',
      'lists are shown and changed on the local log only, so far; on Kafka: lapwing rules push',
    )
  if (!hasLocalLog(config.data)) throw new EngineError('INPUT_MISSING', `${config.data}: there is no local log`)
  return { config, beside: new RulesBeside(config.data, config.streams) }
}

function setOf(files: Parameters<typeof compileRuleSet>[0], streams: Config['streams']): RuleSet {
  const compiled = compileRuleSet(files, { streams })
  if (compiled.ok) return compiled.set
  throw new EngineError('RULES_INVALID', 'the rule set in force does not compile with this configuration')
}

function known({ lists }: RuleSet, name: string): NamedList {
  const list = lists.find(({ id }) => id === name)
  if (list) return list
  const hint = didYouMean(
    name,
    lists.map(({ id }) => id),
  )
  throw new EngineError('USAGE', `the rules in force have no list "${name}"${hint === null ? '' : `: ${hint}`}`)
}

function itemOf(text: string, of: 'string' | 'number', list: string): ListItem {
  if (of === 'string') return text
  const item = Number(text)
  if (text.trim() === '' || Number.isNaN(item)) throw new EngineError('USAGE', `${list} holds numbers, not "${text}"`)
  return item
}
