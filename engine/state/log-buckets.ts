const GROWTH = 1.01 / 0.99
const LOG_GROWTH = Math.log(GROWTH)
/** Above the size of every bucket's index: that of the least double is -37,224. */
const ZERO = 40_000

/** Number of the bucket that a value lies in, ascending with the values: docs/semantics.md, "Percentile". */
export function bucketOf(value: number): number {
  if (value > 0) return Math.ceil(Math.log(value) / LOG_GROWTH) + ZERO
  return value < 0 ? -bucketOf(-value) : 0
}

/** What stands for all values of a bucket: within 1 % of each. */
export function valueOfBucket(bucket: number): number {
  if (bucket > 0) return (2 * GROWTH ** (bucket - ZERO)) / (GROWTH + 1)
  return bucket < 0 ? -valueOfBucket(-bucket) : 0
}
