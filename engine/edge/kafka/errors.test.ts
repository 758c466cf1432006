import assert from 'node:assert/strict'
import { KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs'
import { expect, test } from 'vitest'
import { EngineError } from '../../model/errors.ts'
import { codeOf, isFenced, isOperational, reasonOf } from './errors.ts'

const protocol = (code: number) =>
  new KafkaJSProtocolError(Object.assign(new Error('refused'), { code, type: 'T', retriable: false }))

test('the code of the broker is found under what wraps it', () => {
  expect(codeOf(protocol(47))).toBe(47)
  expect(isFenced(Object.assign(new Error('gave up'), { cause: protocol(90) }))).toBe(true)
  expect(codeOf(new Error('no code'))).toBeNull()
})

test('operation or mistake', () => {
  const mistake = (() => {
    try {
      return assert.equal(1, 2)
    } catch (error) {
      return error
    }
  })()
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const gaveUp = new KafkaJSNumberOfRetriesExceeded(refused, { retryCount: 1, retryTime: 1, cause: refused } as never)
  expect([protocol(3), refused, gaveUp, new EngineError('LOG_GAP', 'gone')].map(isOperational)).toEqual([
    true,
    true,
    true,
    true,
  ])
  expect([mistake, new TypeError('x')].map(isOperational)).toEqual([false, false])
  expect(reasonOf(gaveUp)).toContain('ECONNREFUSED')
})
