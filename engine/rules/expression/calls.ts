import type { ASTNode } from '@marcbachmann/cel-js'
import { parseDuration } from '../../kit/duration.ts'
import { isZone } from '../../kit/local-time.ts'
import { didYouMean } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import type { Checker } from './checker.ts'
import { DURATION, FUNCTIONS, METHODS, type Signature } from './functions.ts'
import { spanIn } from './parse.ts'
import { compilePattern } from './regex.ts'
import { call, isWritten, literal, type Typed } from './typed.ts'
import { aType, listHint } from './wording.ts'

export function inferCall(checker: Checker, node: ASTNode & { op: 'call' }): Typed {
  const [name, args] = node.args
  const span = spanIn(checker.source, node.start, node.start + name.length)
  if (name === DURATION) return inferDuration(checker, node, args)
  const signature = FUNCTIONS.get(name)
  if (signature) return applySignature(checker, signature, args, span)
  for (const a of args) checker.infer(a)
  if (name === 'now')
    return checker.faultAt('unknown-function', span, 'there is no now(): time is the time of the events')
  const method = METHODS.get(name)
  if (method) return checker.faultAt('unknown-function', span, `"${name}" stands after a dot`, `write ${method.usage}`)
  const hint =
    name === 'has'
      ? 'a field that a record lacks is null: write event.x != null'
      : didYouMean(name, [...FUNCTIONS.keys(), DURATION])
  return checker.faultAt('unknown-function', span, `there is no function "${name}"`, hint)
}

export function inferMethod(checker: Checker, node: ASTNode & { op: 'rcall' }): Typed {
  const [name, receiver, args] = node.args
  const at = checker.source.text.lastIndexOf(`.${name}`, node.end)
  const before = checker.source.text.indexOf(name, receiver.end)
  const start = before === -1 ? at + 1 : before
  const span = spanIn(checker.source, start, start + name.length)
  const signature = METHODS.get(name)
  if (signature) return applySignature(checker, signature, [receiver, ...args], span)
  const plainFunction = FUNCTIONS.get(name)
  if (plainFunction) {
    return checker.faultAt(
      'unknown-function',
      span,
      `"${name}" does not stand after a dot`,
      `write ${plainFunction.usage}`,
    )
  }
  checker.infer(receiver)
  return checker.faultAt('unknown-function', span, `there is no function "${name}"`, didYouMean(name, METHODS.keys()))
}

function applySignature(checker: Checker, signature: Signature, args: readonly ASTNode[], span: Span): Typed {
  const { takes, most, fn, gives, usage } = signature
  const typed = args.map((n) => checker.infer(n))
  if (args.length < takes.length || args.length > most) {
    const n = METHODS.get(signature.fn) === signature ? args.length - 1 : args.length
    const message = `${n} ${n === 1 ? 'argument is' : 'arguments are'} too ${args.length > most ? 'many' : 'few'}`
    return checker.faultAt('wrong-arguments', span, message, `write ${usage}`)
  }
  typed.forEach((t, i) => {
    const wanted = takes[Math.min(i, takes.length - 1)]
    if (wanted === 'sized') {
      if (t.type !== 'list') checker.expect(args[i], t, 'string', `${usage} needs text or a list here`)
    } else if (wanted !== 'scalar') checker.expect(args[i], t, wanted, `${usage} needs ${aType(wanted)} here`)
    else if (t.type === 'boolean' || t.type === 'null' || t.type === 'list') {
      const message = `${usage} needs text or numbers, but this is ${aType(t.type)}`
      checker.fault('type-mismatch', args[i], message, listHint(t))
    }
  })
  if (fn === 'matches') checkPattern(checker, args[1], typed[1])
  if (fn === 'hour' || fn === 'weekday') checkZone(checker, args[1], typed[1])
  if (fn === 'subnet') checkBits(checker, args, typed)
  return call(fn, gives, typed)
}

function inferDuration(checker: Checker, node: ASTNode, args: readonly ASTNode[]): Typed {
  const text = args.length === 1 && args[0].op === 'value' ? args[0].args : undefined
  const ms = typeof text === 'string' ? parseDuration(text) : null
  if (ms !== null) return literal(ms, 'number')
  return checker.fault('bad-duration', args[0] ?? node, 'duration() takes a written duration', 'as in duration("15m")')
}

function checkPattern(checker: Checker, node: ASTNode, typed: Typed): void {
  if (typed.type !== 'string') return
  if (!isWritten(typed)) {
    checker.fault('unsafe-regex', node, 'the pattern of matches() must be written out, so that it can be checked')
    return
  }
  const pattern = compilePattern(typed.expression.value as string)
  if (!pattern.ok) checker.fault('unsafe-regex', node, pattern.fault)
}

function checkZone(checker: Checker, node: ASTNode, typed: Typed): void {
  if (typed.type !== 'string') return
  if (!isWritten(typed)) {
    checker.fault('bad-zone', node, 'the time zone must be written out', 'as in "Asia/Shanghai" or "UTC"')
  } else if (!isZone(typed.expression.value as string)) {
    checker.fault(
      'bad-zone',
      node,
      `there is no time zone ${JSON.stringify(typed.expression.value)}`,
      'such as "Asia/Shanghai" or "UTC"',
    )
  }
}

function checkBits(checker: Checker, args: readonly ASTNode[], typed: readonly Typed[]): void {
  const bits = typed.slice(1).map(({ expression }) => (expression.op === 'literal' ? expression.value : null))
  const mosts = bits.length === 1 ? [128] : [32, 128]
  const isFaulty = bits.map((n, i) => typeof n === 'number' && !(Number.isInteger(n) && n >= 0 && n <= mosts[i]))
  isFaulty.forEach((faulty, i) => {
    const kind = bits.length === 1 ? 'a subnet' : i === 0 ? 'a subnet of IPv4' : 'a subnet of IPv6'
    if (faulty) checker.fault('out-of-range', args[i + 1], `${kind} has from 0 to ${mosts[i]} bits`)
  })
  if (bits.length === 1 && !isFaulty[0]) warnOfLoneBits(checker, args[1], bits[0])
}

function warnOfLoneBits(checker: Checker, node: ASTNode, bits: unknown): void {
  const [message, hint] =
    typeof bits === 'number' && bits > 32
      ? [`an IPv4 address has no network of ${bits} bits: that is null`, `write subnet(ip, 24, ${bits})`]
      : [
          'this holds for IPv6, too, where so few bits are a whole provider',
          `write subnet(ip, ${typeof bits === 'number' ? bits : 24}, 64)`,
        ]
  checker.warn('one-subnet-for-all', node, message, hint)
}
