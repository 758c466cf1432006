import type { Config } from '../../config.ts'
import { JsonLinesWriter } from '../../edge/files/write.ts'
import type { Output } from '../../model/output.ts'
import { compileOrRefuse } from '../compiled.ts'
import { EXIT, type ExitCode, talk, talkLines } from '../exit.ts'
import { readRuleFiles } from '../rule-files.ts'
import { LocalService } from '../service/local-service.ts'
import { EventTimes } from './event-times.ts'
import { cutFor } from './feeds-lists.ts'
import { FiniteInput, type InputOptions, type Until } from './input.ts'
import { type Played, playFinite } from './play.ts'
import { mostlyLeftOut, Summary } from './summary.ts'

export interface FiniteRunOptions extends InputOptions {
  readonly until?: Until
}

/** Fresh state: the input is the whole history. */
export async function runFinite(config: Config, options: FiniteRunOptions): Promise<ExitCode> {
  const { streams, limits } = config
  const { set } = compileOrRefuse(readRuleFiles(config.rules), streams)
  const input = new FiniteInput({ ...options, guarded: true }, streams)
  const printer = new Printer()
  const play = { input, streams, set, until: options.until ?? 'drained', measures: false, limits }
  const played = await playFinite(play, (outputs) => printer.print(outputs))
  return printer.sum(played, input)
}

/**
 * The input goes into the local log of the data folder, and the engine goes on from the state that it has there. It
 * stands where the input ends: nothing is drained and nothing closed, for more may come.
 */
export async function runOntoLog(config: Config, options: FiniteRunOptions): Promise<ExitCode> {
  const { streams } = config
  const files = readRuleFiles(config.rules)
  compileOrRefuse(files, streams)
  const printer = new Printer()
  const deliver = async (outputs: readonly Output[]): Promise<void> => {
    await printer.print(outputs)
  }
  const service = await LocalService.open({ config, files, logger: silent, deliver })
  const input = new FiniteInput(options, streams)
  const cut = await cutFor(config)
  const beganAt = performance.now()
  const times = new EventTimes(streams, Number.NEGATIVE_INFINITY)
  let rows = 0
  service.start()
  try {
    for await (const batch of input.batches()) {
      await service.log.writer.append(cut(batch))
      times.see(batch)
      rows += batch.length
    }
    await service.caughtUp()
  } finally {
    await service.stop()
  }
  const { fromMs, toMs } = times
  return printer.sum({ counters: service.counters, rows, tookMs: performance.now() - beganAt, fromMs, toMs }, input)
}

type Summed = Pick<Played, 'counters' | 'rows' | 'tookMs' | 'fromMs' | 'toMs'>

/** Outputs to standard output as they come. */
class Printer {
  readonly #writer = new JsonLinesWriter(process.stdout)
  readonly #summary = new Summary()

  /** False when nobody reads any more. */
  async print(outputs: readonly Output[]): Promise<boolean> {
    for (const output of outputs) this.#summary.add(output)
    await this.#writer.write(outputs)
    await this.#writer.flush()
    return !this.#writer.broken
  }

  sum(played: Summed, input: FiniteInput): ExitCode {
    talkLines(this.#summary.text(played, input))
    const why = mostlyLeftOut(played, input)
    if (why !== null) talk(why)
    return why === null ? EXIT.fine : EXIT.failed
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
