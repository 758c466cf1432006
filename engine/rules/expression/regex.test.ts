import { expect, test } from 'vitest'
import { regexFault } from './regex.ts'

test('harmless patterns pass', () => {
  for (const p of [
    '^S\\d+$',
    '[a-z]{2,8}',
    '(ab)?c',
    '(?:foo|bar)-\\d{4}',
    'a.*b',
    '^[^@]+@[a-z.]+$',
    '[)*+(]',
    'a{2}',
    '\\(a+\\)+',
    '(a|b)?x',
    'é+',
  ]) {
    expect([p, regexFault(p)]).toEqual([p, null])
  }
})

test('patterns that can take forever, or that differ between engines, do not', () => {
  const bad = [
    '(a+)+',
    '(a*)*b',
    '((a+))*',
    '(a|aa)+',
    '(?:a|b)*c',
    '(a+){3}',
    '(a{2,}){2,}',
    '(?=a)',
    '(?!a)',
    '(?<=a)b',
    '(?<n>a)',
    '(a)\\1',
    '\\k<n>',
    'a*a*a*a*a*',
    'a{1000}',
    '[',
    '(',
    'a{2,1}',
    '(?i)a',
    `${'a'.repeat(201)}`,
  ]
  for (const p of bad) expect([p, regexFault(p) === null]).toEqual([p, false])
})
