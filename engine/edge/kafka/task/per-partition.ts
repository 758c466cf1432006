import { concatMap, defer, groupBy, mergeMap, type Observable } from 'rxjs'

/** A batch on its way: kafkajs fetches the next one of its partition when it is settled. */
export interface Work<Batch> {
  readonly partition: string
  readonly batch: Batch
  resolve(): void
  reject(error: unknown): void
}

/**
 * The flow of the tasks: batches of one partition one after the other, partitions side by side. A failure rejects its own
 * batch and nothing else; the stream itself never errors.
 *
 * Queue  one batch a partition: kafkajs holds the next one back until this one is settled
 */
export function perPartition<Batch>(
  work: Observable<Work<Batch>>,
  process: (batch: Batch) => Promise<void>,
): Observable<void> {
  return work.pipe(
    groupBy(({ partition }) => partition),
    mergeMap((own) => own.pipe(concatMap((one) => defer(() => process(one.batch).then(one.resolve, one.reject))))),
  )
}
