import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Top to bottom: a file imports from its own room and from those below. */
const ORDER = [
  'main',
  'commands',
  'pipeline',
  'config',
  'edge',
  'traffic',
  'plan',
  'task',
  'rules',
  'state',
  'model',
  'kit',
]

/** Files that may import each other in a circle, by value, each with the reason. */
const CYCLES: Readonly<Record<string, string>> = {
  'rules/evaluate/compile.ts rules/evaluate/condition.ts rules/evaluate/number.ts rules/evaluate/text.ts':
    'an expression of any type holds expressions of any other; only functions are imported, called after all are loaded',
}

interface Import {
  readonly from: string
  readonly to: string
  readonly kind: 'value' | 'type' | 'lazy'
}

const root = resolve(import.meta.dirname)

/** Paths below `engine/`, without tests. */
function files(folder = root): string[] {
  return readdirSync(folder).flatMap((name) => {
    if (name === 'testdata') return [] // what writes it is run by hand
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return files(path)
    return path.endsWith('.ts') && !path.endsWith('.test.ts') ? [relative(root, path)] : []
  })
}

const STATEMENT =
  /^(?:import|export)\s+(type\s)?([^'"=;]*?)\s*\bfrom\s*'(\.[^']+)'|^import\s+'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'/gm

/** What a file imports from the repository. An import of types alone is gone when the code runs. */
function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), 'utf8')
  return [...text.matchAll(STATEMENT)].map(([, type, names = '', named, bare, lazy]): Import => {
    const to = relative(root, resolve(root, dirname(from), (named ?? bare ?? lazy)!))
    const listed = /^\{([\s\S]*)\}$/.exec(names)?.[1]?.split(',') ?? ['']
    const isType = type !== undefined || listed.filter((name) => name.trim()).every((name) => /^\s*type\s/.test(name))
    return { from, to, kind: lazy ? 'lazy' : isType && names !== '' ? 'type' : 'value' }
  })
}

const all = files()
const imports = all.flatMap(importsOf)

const roomOf = (path: string): string => path.split('/')[0]!.replace(/\.ts$/, '')
const edgeOf = (path: string): string => path.split('/')[1]!
const shown = (wrong: readonly Import[]): string[] => wrong.map(({ from, to }) => `${from} -> ${to}`)

/** Groups of files that reach each other, each sorted (Tarjan, SIAM J. Comput. 1(2), 1972). */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const [number, lowest] = [new Map<string, number>(), new Map<string, number>()]
  const open: string[] = []
  const found: string[][] = []
  const visit = (file: string): void => {
    const mine = number.size
    number.set(file, mine)
    lowest.set(file, mine)
    open.push(file)
    for (const next of graph.get(file) ?? []) {
      if (!number.has(next)) visit(next)
      if (open.includes(next)) lowest.set(file, Math.min(lowest.get(file)!, lowest.get(next)!))
    }
    if (lowest.get(file) !== mine) return
    const group = open.splice(open.indexOf(file))
    if (group.length > 1 || graph.get(file)?.includes(file)) found.push(group.sort())
  }
  for (const file of graph.keys()) if (!number.has(file)) visit(file)
  return found
}

describe('imports', () => {
  test('are read as what they are', () => {
    const kinds = (path: string, to: string) =>
      imports.filter((i) => i.from === path && i.to === to).map(({ kind }) => kind)
    expect(kinds('pipeline.ts', 'task/task.ts')).toEqual(['type'])
    expect(kinds('pipeline.ts', 'task/step.ts')).toEqual(['value'])
    expect(kinds('commands/doctor/checks.ts', 'edge/kafka/topic-names.ts')).toContain('lazy')
    expect(circles(new Map(Object.entries({ a: ['b'], b: ['c'], c: ['b', 'd'], d: [] })))).toEqual([['b', 'c']])
  })

  test('go down only, types too', () => {
    const wrong = imports.filter(({ from, to }) => {
      if (to.startsWith('..') || roomOf(from) === 'sim') return false
      expect(ORDER, `${from} is in a room that has no place in the order`).toContain(roomOf(from))
      return ORDER.indexOf(roomOf(to)) < ORDER.indexOf(roomOf(from))
    })
    expect(shown(wrong)).toEqual([])
  })

  test('of an edge: no other edge', () => {
    const isEdge = (path: string) => roomOf(path) === 'edge'
    const wrong = imports.filter(({ from, to }) => isEdge(from) && isEdge(to) && edgeOf(from) !== edgeOf(to))
    expect(shown(wrong)).toEqual([])
  })

  test('of the simulation and the benchmarks: only from there, and from tests', () => {
    const isAside = (path: string) => /^sim\/|^\.\.\/bench\//.test(path)
    expect(shown(imports.filter(({ from, to }) => isAside(to) && !isAside(from)))).toEqual([])
  })

  test('make no circles of values', () => {
    const values = imports.filter(({ kind }) => kind === 'value')
    const graph = new Map(all.map((file) => [file, values.filter(({ from }) => from === file).map(({ to }) => to)]))
    expect(circles(graph).map((group) => group.join(' '))).toEqual(Object.keys(CYCLES))
  })
})

test('the core reads no clock, no chance, no files', () => {
  const core = all.filter((path) => ['task', 'state', 'rules', 'model', 'kit'].includes(roomOf(path)))
  const wrong = core.filter((path) =>
    /Date\.now\(|Math\.random\(|performance\.now\(|setTimeout\(|process\.hrtime/.test(
      readFileSync(join(root, path), 'utf8'),
    ),
  )
  expect(wrong).toEqual([])
})
