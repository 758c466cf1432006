import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** Top to bottom: a file imports from its own room and from those below. */
const ORDER = [
  'main',
  'commands',
  'pipeline',
  'edge',
  'config',
  'traffic',
  'plan',
  'task',
  'rules',
  'state',
  'model',
  'kit',
]
const root = resolve(import.meta.dirname)

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    if (name === 'testdata') return [] // what writes it is run by hand
    const path = join(folder, name)
    return statSync(path).isDirectory() ? files(path) : path.endsWith('.ts') && !path.endsWith('.test.ts') ? [path] : []
  })
}

function roomOf(path: string): string {
  return relative(root, path).split('/')[0].replace(/\.ts$/, '')
}

function edgeOf(path: string): string {
  return relative(root, path).split('/')[1]
}

const imports = files(root).flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) => ({
    path,
    target: resolve(dirname(path), match[1]),
  })),
)

test('imports go down only', () => {
  const wrong = imports.filter(({ path, target }) => {
    const [from, to] = [roomOf(path), roomOf(target)]
    if (from === 'sim') return false
    if (to === 'sim') return true
    expect(ORDER, `${relative(root, path)} is in a room that has no place in the order`).toContain(from)
    return ORDER.indexOf(to) < ORDER.indexOf(from)
  })
  expect(wrong.map(({ path, target }) => `${relative(root, path)} -> ${relative(root, target)}`)).toEqual([])
})

test('edges do not import each other', () => {
  const wrong = imports.filter(
    ({ path, target }) => roomOf(path) === 'edge' && roomOf(target) === 'edge' && edgeOf(path) !== edgeOf(target),
  )
  expect(wrong.map(({ path, target }) => `${relative(root, path)} -> ${relative(root, target)}`)).toEqual([])
})

test('the core reads no clock, no chance, no files', () => {
  const core = files(root).filter((path) => ['task', 'state', 'rules', 'model', 'kit'].includes(roomOf(path)))
  const wrong = core.filter((path) =>
    /Date\.now\(|Math\.random\(|performance\.now\(|setTimeout\(|process\.hrtime/.test(readFileSync(path, 'utf8')),
  )
  expect(wrong.map((path) => relative(root, path))).toEqual([])
})
