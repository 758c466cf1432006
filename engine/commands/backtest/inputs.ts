import type { Config } from '../../config.ts'
import type { Encoding } from '../../kit/encodings.ts'
import { EngineError } from '../../model/errors.ts'
import type { RuleSet } from '../../model/rule.ts'
import { cacheFolderOf, FiniteInput } from '../finite/input.ts'
import { LogRange } from '../finite/log-range.ts'
import type { PlayInput } from '../finite/play.ts'

export interface InputsOptions {
  readonly input?: string
  readonly from?: number
  readonly to?: number
  readonly stream?: string
  readonly encoding?: Encoding
  readonly strict?: boolean
  readonly sort?: boolean
  readonly cache?: string | boolean
}

/** The history that is played, as often as there are settings to try. */
export interface Inputs {
  fresh(): PlayInput
  close(): Promise<void>
}

/** A file; or, of the time given, what the local log or the source topics of `set` hold. */
export async function inputsOf(options: InputsOptions, config: Config, set: RuleSet): Promise<Inputs> {
  const { streams, data, log } = config
  const { input, stream, encoding, sort = false, strict = false, cache, from, to } = options
  const range = { fromMs: from ?? Number.NEGATIVE_INFINITY, toMs: to ?? Number.POSITIVE_INFINITY }
  const isRestricted = from !== undefined || to !== undefined
  if (input === undefined) {
    if (!isRestricted) throw new EngineError('USAGE', 'history is wanted: --input FILE, or --from and --to of the log')
    if (log.kind === 'local') return openedAnew(() => new LogRange(data, range, streams))
    const { KafkaHistory } = await import('../finite/kafka-range.ts')
    return KafkaHistory.open({ ...config, log }, set, { range, sort, strict })
  }
  const read = {
    input,
    sort,
    strict,
    guarded: true,
    ...(stream === undefined ? {} : { stream }),
    ...(encoding === undefined ? {} : { encoding }),
    ...(isRestricted ? { range } : {}),
    ...cacheFolderOf(cache, data),
  }
  let readings = 0
  return openedAnew(() => new FiniteInput({ ...read, again: readings++ > 0 }, streams))
}

function openedAnew(fresh: () => PlayInput): Inputs {
  return { fresh, close: async () => {} }
}
