import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { EngineLock } from './lock.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-lock-'))
afterAll(() => rmSync(root, { recursive: true }))

test("a data folder is its user's alone, and engine.pid is no way to another file", () => {
  const folder = join(root, 'deep/data')
  new EngineLock(folder).release()
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  expect([join(root, 'deep'), folder].map(mode)).toEqual(['700', '700'])
  expect(['engine.lock', 'engine.pid'].map((name) => mode(join(folder, name)))).toEqual(['600', '600'])
  const other = join(root, 'other')
  writeFileSync(other, 'kept')
  rmSync(join(folder, 'engine.pid'))
  symlinkSync(other, join(folder, 'engine.pid'))
  new EngineLock(folder).release()
  expect([readFileSync(other, 'utf8'), readFileSync(join(folder, 'engine.pid'), 'utf8')]).toEqual([
    'kept',
    `${process.pid}\n`,
  ])
})

test('a lock says who holds it, and no process that has ended', () => {
  const folder = join(root, 'held')
  const lock = new EngineLock(folder)
  const message = () => {
    try {
      new EngineLock(folder)
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  expect(message()).toBe(`another engine (process ${process.pid}) runs on ${folder}`)
  writeFileSync(join(folder, 'engine.pid'), '4194305\n')
  expect(message()).toContain('no engine (the last engine, process 4194305, has ended) holds')
  writeFileSync(join(folder, 'engine.pid'), '\u001b[31m')
  expect(message()).toBe(`another process holds ${folder}`)
  lock.release()
})
