import assert from 'node:assert/strict'
import { KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs'
import { expect, test } from 'vitest'
import { EngineError } from '../../model/errors.ts'
import { codeOf, isFenced, isOperational, noAnswer, ofTopics, reasonOf } from './errors.ts'

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

test('what a broker refuses is said in words, with the topics that it was for', () => {
  const gaveUp = (code: number) => Object.assign(new Error('gave up'), { cause: protocol(code) })
  expect(reasonOf(gaveUp(19))).toBe('too few replicas are in sync (min.insync.replicas): gave up: refused')
  const write = ofTopics(['a', 'b'], gaveUp(10)) as EngineError
  expect(write.message).toMatch(/^writing to a, b: a record is larger than its topic takes \(max\.message\.bytes/)
  expect([codeOf(write), codeOf(ofTopics(['a'], gaveUp(47)))]).toEqual([10, 47])
  expect(reasonOf(protocol(29))).toBe('a right is missing, of a topic; lapwing doctor names each: refused')
})

test('a broker that is there and refuses is not said to be away', () => {
  const failed = (name: string, message: string) => Object.assign(new Error(message), { name })
  const said = (error: Error) => noAnswer(['a:1'], error).message
  expect(said(failed('KafkaJSSASLAuthenticationError', 'no'))).toBe('a:1: the login (log.sasl) is refused: no')
  expect(said(failed('KafkaJSConnectionError', 'self-signed certificate'))).toContain(
    'a:1: its certificate is not trusted',
  )
  expect(said(failed('KafkaJSConnectionError', 'connect ECONNREFUSED'))).toBe(
    'no broker answers at a:1: connect ECONNREFUSED',
  )
})
