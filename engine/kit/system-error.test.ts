import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { systemText } from './system-error.ts'

function thrown(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

test('the system is put into words, other errors keep theirs', () => {
  expect(systemText(thrown(() => readFileSync('/no/such/file')))).toBe('no such file or folder')
  expect(systemText(thrown(() => readFileSync('/')))).toBe('it is a folder, not a file')
  expect(systemText(Object.assign(new Error('EWHAT: odd'), { code: 'EWHAT' }))).toBe('EWHAT: odd')
  expect(systemText(new Error('of its own'))).toBe('of its own')
})
