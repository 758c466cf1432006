import { expect, test } from 'vitest'
import { counted, fnvCollisions } from '../kit/testing.ts'
import { TextDictionary } from './text-dictionary.ts'

test('texts chosen to collide are found in a few steps', () => {
  const blocks = 6
  const texts = fnvCollisions(blocks, 4 * blocks) // as the hash began with the length
  const dictionary = new TextDictionary(255)
  const sources = texts.map((text) => counted(text))
  for (let round = 0; round < 10; round++)
    for (const [i, { bytes }] of sources.entries()) expect(dictionary.code(bytes, 0, bytes.length)).toBe(i)
  const reads = sources.reduce((sum, source) => sum + source.reads(), 0)
  expect(reads / (10 * texts.length * 4 * blocks)).toBeLessThan(4)
})
