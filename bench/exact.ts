import { Prng } from '../engine/kit/prng.ts'
import { addToSquares, addToSum, squaresAsBigInt, sumAsBigInt } from '../engine/state/exact.ts'
import { eventsPerSecond, type Figure, size } from './harness.ts'

const WINDOW = 100_000

/**
 * A window that slides over a hundred million values of up to 63 bits: its sum and sum of squares at the end equal those
 * of the values it holds, to the last bit. Events are adds; each is taken out again, but for the last window.
 */
export async function exactBenchmark(): Promise<Figure[]> {
  const seed = 11
  const adds = size(200_000, 100_000_000)
  const figure = await eventsPerSecond(
    { benchmark: 'exact', case: 'adds and removes', seed, parameters: { adds, window: WINDOW }, runs: 1 },
    () => {
      const random = new Prng(seed)
      const cells = new Float64Array(8)
      const highs = new Int32Array(WINDOW)
      const lows = new Uint32Array(WINDOW)
      for (let i = 0; i < adds; i++) {
        const at = i % WINDOW
        if (i >= WINDOW) {
          addToSum(cells, 0, highs[at], lows[at], -1)
          addToSquares(cells, 3, highs[at], lows[at], -1)
        }
        highs[at] = random.int(0x8000_0000) - 0x4000_0000
        lows[at] = random.int(0x1_0000_0000)
        addToSum(cells, 0, highs[at], lows[at], 1)
        addToSquares(cells, 3, highs[at], lows[at], 1)
      }
      let sum = 0n
      let squares = 0n
      for (let at = 0; at < WINDOW; at++) {
        const value = (BigInt(highs[at]) << 32n) + BigInt(lows[at])
        sum += value
        squares += value * value
      }
      if (sumAsBigInt(cells, 0) !== sum || squaresAsBigInt(cells, 3) !== squares) throw new Error('not to the last bit')
      return { events: adds, checksum: Number(BigInt.asUintN(52, sum)) }
    },
  )
  return [figure]
}
