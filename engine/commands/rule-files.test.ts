import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { readRuleFiles } from './rule-files.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-rules-'))
afterAll(() => rmSync(root, { recursive: true }))
for (const name of ['b.yaml', 'a.yml', 'a.test.yaml', 'notes.md', 'lists/l.yaml', 'deep/c.yaml', '.git/x.yaml']) {
  mkdirSync(dirname(join(root, name)), { recursive: true })
  writeFileSync(join(root, name), name)
}
const names = (paths: string[], tests = false) =>
  readRuleFiles(
    paths.map((path) => join(root, path)),
    { tests },
  ).map((f) => f.text)

test('a folder: all below it, by name', () => {
  expect(names(['.'])).toEqual(['a.yml', 'b.yaml', 'deep/c.yaml', 'lists/l.yaml'])
})
test('a file: with the lists beside it, and its tests where they are wanted', () => {
  expect(names(['a.yml'])).toEqual(['a.yml', 'lists/l.yaml'])
  expect(names(['a.yml'], true)).toEqual(['a.yml', 'a.test.yaml', 'lists/l.yaml'])
})
test('each file once', () => expect(names(['b.yaml', '.', 'b.yaml'])[0]).toBe('b.yaml'))
test('what is not there', () => {
  expect(() => names(['none'])).toThrow(expect.objectContaining({ code: 'INPUT_MISSING' }))
  mkdirSync(join(root, 'empty'))
  expect(() => names(['empty'])).toThrow('no rule files')
})

test('the configuration beside the rules is left out, and said; named as a file it is read', () => {
  mkdirSync(join(root, 'work'))
  writeFileSync(join(root, 'work/lapwing.yaml'), 'configuration')
  writeFileSync(join(root, 'work/rule.yaml'), 'rule')
  const said = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  expect(names(['work'])).toEqual(['rule'])
  expect(said.mock.calls).toEqual([
    [expect.stringMatching(/work\/lapwing.yaml: the configuration, no rule file: left out\n$/)],
  ])
  said.mockRestore()
  expect(names(['work/lapwing.yaml'])).toEqual(['configuration'])
})

test('a list is read from a plain file below the folder of the rules, of bounded size', () => {
  const list = (folder: string, file: string) => {
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, folder, 'l.yaml'), `list: l\nsource: { file: ${file} }\n`)
    return () => names([folder])
  }
  writeFileSync(join(root, 'secret.txt'), 'secret')
  mkdirSync(join(root, 'lists-of/data'), { recursive: true })
  writeFileSync(join(root, 'lists-of/data/a.txt'), 'S1')
  expect(list('lists-of', 'data/a.txt')()).toContain('S1')
  expect(list('outside', '../secret.txt')).toThrow('it is not below the folder of the rules')
  symlinkSync('../secret.txt', join(root, 'outside/link.txt'))
  expect(list('outside', 'link.txt')).toThrow('it is not below the folder of the rules')
  execFileSync('mkfifo', [join(root, 'outside/fifo')])
  expect(list('outside', 'fifo')).toThrow('it is no plain file')
  writeFileSync(join(root, 'outside/long'), '')
  truncateSync(join(root, 'outside/long'), 100 << 20)
  expect(list('outside', 'long')).toThrow('104857600 bytes; at most')
  expect(list('outside', '/dev/zero')).not.toThrow() // below the folder there is no such file: the compiler says so
})
