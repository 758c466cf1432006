import { Option } from 'commander'
import { type ReadOptions, readBlocks } from '../../edge/files/read.ts'
import type { Block } from '../../model/block.ts'
import { EngineError } from '../../model/errors.ts'
import { eventTimeMs } from '../../model/event-time.ts'
import type { Stream } from '../../model/stream.ts'
import { talk } from '../exit.ts'
import { sortedBlocks } from './sorted.ts'

const MALFORMED_SHOWN = 10

export interface InputOptions {
  readonly input: string
  readonly stream?: string
  readonly strict?: boolean
  readonly sort?: boolean
}

/** A finite input, and what was wrong with it: the first faulty records are said aloud, the others counted. */
export class FiniteInput {
  malformed = 0
  readonly #options: InputOptions
  readonly #streams: readonly Stream[]

  constructor(options: InputOptions, streams: readonly Stream[]) {
    this.#options = options
    this.#streams = streams
  }

  blocks(): AsyncIterable<Block> {
    const { input, stream, strict = false, sort } = this.#options
    const options: ReadOptions = {
      streams: this.#streams,
      strict,
      onMalformed: (line, reason) => this.#malformed(line, reason),
      ...(stream === undefined ? {} : { stream }),
    }
    const blocks = readBlocks(input, options)
    return sort ? sortedBlocks(blocks, this.#streams) : blocks
  }

  #malformed(line: number, reason: string): void {
    this.malformed += 1
    const { input } = this.#options
    const name = input === '-' ? 'standard input' : input
    if (this.malformed <= MALFORMED_SHOWN) talk(`${name}:${line}: passed over: ${reason}`)
    if (this.malformed === MALFORMED_SHOWN) talk('further malformed records are only counted')
  }
}

/** Where the clock stops after the last event: a moment in epoch ms, or as docs/semantics.md says. */
export type Until = 'drained' | 'last' | number

export function untilOption(): Option {
  return new Option(
    '--until <when>',
    'how far the clock goes on at the end: drained, last, or a time (default: drained)',
  ).argParser(parseUntil)
}

function parseUntil(text: string): Until {
  if (text === 'drained' || text === 'last') return text
  const timeMs = eventTimeMs(text, 'ms')
  if (Number.isNaN(timeMs)) throw new EngineError('USAGE', `--until ${text}: neither drained, nor last, nor a time`)
  return timeMs
}
