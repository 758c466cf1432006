import { expect, test } from 'vitest'
import { functionOf, type Profile, selfTimes, stageOf } from './profile.ts'

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9 })

test('built-in code counts for the stage that called it, and functions for themselves', () => {
  const profile: Profile = {
    nodes: [
      { id: 1, callFrame: frame('(root)', ''), children: [2, 5] },
      { id: 2, callFrame: frame('decodeEntry', 'file:///x/dist/engine/model/block-codec.js'), children: [3] },
      { id: 3, callFrame: frame('copy', 'node:buffer') },
      { id: 5, callFrame: frame('(idle)', '') },
    ],
    samples: [2, 3, 3, 5],
    timeDeltas: [1e6, 1e6, 1e6, 4e6],
  }
  expect(selfTimes(profile, stageOf)).toEqual([
    ['idle', 4],
    ['exchange: decode batches', 3],
  ])
  expect(selfTimes(profile, functionOf)[1]).toEqual(['copy node:buffer:10', 2])
})
