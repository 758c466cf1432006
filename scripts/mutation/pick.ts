import { readdirSync, readFileSync } from 'node:fs'
import { Prng } from '../../engine/kit/prng.ts'

/**
 * `tsx scripts/mutation/pick.ts <folder> <blocks> <seed>`: that many blocks of ten lines of the folder's code, as Stryker's
 * `--mutate` takes them. Each block of each file is as likely as any other; the same files and seed give the same blocks.
 */
const [folder, blocks, seed] = process.argv.slice(2)
const blockLines = 10

const all = readdirSync(folder!, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('testing.ts'))
  .sort()
  .flatMap((name) => {
    const path = `${folder}/${name}`
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n').length
    const count = Math.ceil(lines / blockLines)
    return Array.from({ length: count }, (_, i) => ({ path, from: i * blockLines + 1, lines }))
  })

const random = new Prng(Number(seed))
const picked = all
  .map((block) => ({ block, order: random.next() }))
  .sort((a, b) => a.order - b.order)
  .slice(0, Number(blocks))
  .map(({ block: { path, from, lines } }) => `${path}:${from}-${Math.min(from + blockLines - 1, lines)}`)
console.log(picked.join(','))
