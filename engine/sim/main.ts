import { type Cuts, search } from './agree.ts'

/** `npm run sim -- --seed N --minutes M`: compares the two engines with ever new seeds until the time is up. */
function main(args: readonly string[]): number {
  const option = (name: string, usual: number) => {
    const at = args.indexOf(`--${name}`)
    return at < 0 ? usual : Number(args[at + 1])
  }
  const minutes = option('minutes', 1)
  const endMs = performance.now() + minutes * 60_000
  const first = option('seed', 1)
  const plans: { cuts: Cuts; stepsMax: number; runs: number }[] = [
    { cuts: 'none', stepsMax: 120, runs: 40 },
    { cuts: 'one', stepsMax: 120, runs: 40 },
    { cuts: 'all', stepsMax: 25, runs: 20 },
    { cuts: 'one', stepsMax: 1_000, runs: 4 },
    { cuts: 'one', stepsMax: 10_000, runs: 1 }, // more than one chunk of rows
  ]
  let seed = first
  for (; performance.now() < endMs; seed++)
    for (const plan of plans) {
      const found = search({ ...plan, seed })
      if (found === null) continue
      process.stdout.write(`${found}\n`)
      process.stderr.write(`sim: they disagree, replay with --seed ${seed}\n`)
      return 1
    }
  process.stderr.write(`sim: seeds ${first} to ${seed - 1} agree\n`)
  return 0
}

process.exitCode = main(process.argv.slice(2))
