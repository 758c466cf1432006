import type { Block, Mark } from '../model/block.ts'
import { finite, type Meta } from './meta.ts'
import type { LoadedState } from './snapshot-pieces.ts'
import type { Changelog, StatePart } from './state-part.ts'

/** As a commit keeps it. */
export interface SavedSource {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly upToMs: number | null
}

interface Source {
  readonly topic: string
  readonly partition: number
  offset: number
  upToMs: number
}

/** What a task knows of its source partitions: how far it has read each, and how far each has been declared read. */
export class Sources implements StatePart {
  readonly name = 'sources'
  readonly list: Source[] = []
  readonly #byName = new Map<string, number>()
  /** The same by topic and partition: what is asked for each record, without a name being made. */
  readonly #byTopic = new Map<string, Map<number, number>>()

  /** Index of a source partition, made if need be. */
  indexOf(topic: string, partition: number): number {
    const known = this.#byTopic.get(topic)?.get(partition)
    if (known !== undefined) return known
    const index = this.list.push({ topic, partition, offset: -1, upToMs: Number.NEGATIVE_INFINITY }) - 1
    this.#byName.set(`${topic}/${partition}`, index)
    const partitions = this.#byTopic.get(topic) ?? new Map<number, number>()
    this.#byTopic.set(topic, partitions.set(partition, index))
    return index
  }

  /** Writes the index of each row's source partition, for rows `[from, to)` of a block, to `into` by row. */
  indexRows(block: Block, from: number, to: number, into: Uint16Array): void {
    const { sourceTopic, sourcePartition, rowPartitions } = block
    if (!rowPartitions) {
      into.fill(this.indexOf(sourceTopic, sourcePartition), from, to)
      return
    }
    let partition = -1
    let index = -1
    for (let row = from; row < to; row++) {
      if (rowPartitions[row] !== partition) {
        partition = rowPartitions[row]
        index = this.indexOf(sourceTopic, partition)
      }
      into[row] = index
    }
  }

  /** Takes a mark; the stream time that all sources it lists have been read to, or -Infinity. */
  mark(mark: Mark): number {
    this.list[this.indexOf(mark.sourceTopic, mark.sourcePartition)].upToMs = mark.upToMs
    let smallestMs = Number.POSITIVE_INFINITY
    for (const name of mark.sources) {
      const index = this.#byName.get(name)
      smallestMs = Math.min(smallestMs, index === undefined ? Number.NEGATIVE_INFINITY : this.list[index].upToMs)
    }
    return mark.sources.length === 0 ? Number.NEGATIVE_INFINITY : smallestMs
  }

  meta(): Pick<Meta, 'sources'> {
    return { sources: this.list.map((s) => ({ ...s, upToMs: finite(s.upToMs) })) }
  }

  load({ meta }: LoadedState): void {
    this.#restore(meta.sources)
  }

  endReplay({ meta }: Changelog): void {
    if (meta) this.#restore(meta.sources)
  }

  /** Over what was replayed: offsets only rise. */
  #restore(saved: readonly SavedSource[]): void {
    for (const { topic, partition, offset, upToMs } of saved) {
      const source = this.list[this.indexOf(topic, partition)]
      source.offset = Math.max(source.offset, offset)
      source.upToMs = upToMs ?? Number.NEGATIVE_INFINITY
    }
  }
}
