import type { Expression, Operator } from '../../model/expression.ts'

const BINARY: Readonly<Partial<Record<Operator, readonly [sign: string, level: number]>>> = {
  or: ['||', 1],
  and: ['&&', 2],
  eq: ['==', 3],
  ne: ['!=', 3],
  lt: ['<', 3],
  le: ['<=', 3],
  gt: ['>', 3],
  ge: ['>=', 3],
  member: ['in', 3],
  add: ['+', 4],
  concat: ['+', 4],
  sub: ['-', 4],
  mul: ['*', 5],
  div: ['/', 5],
  mod: ['%', 5],
}
const METHODS: readonly Operator[] = ['startsWith', 'endsWith', 'contains', 'matches']
const UNARY_LEVEL = 6

/** A checked expression as its author might have written it. */
export function expressionText(e: Expression, outer = 0): string {
  switch (e.op) {
    case 'literal':
      return JSON.stringify(e.value)
    case 'field':
      return `event.${e.name}`
    case 'key':
      return `key.${e.name}`
    case 'param':
      return `params.${e.name}`
    case 'let':
    case 'measure':
      return e.name
    case 'inList':
      return inBrackets(`${expressionText(e.value, 4)} in lists.${e.list}`, 3, outer)
    case 'in':
      return inBrackets(`${expressionText(e.value, 4)} in ${JSON.stringify(e.items)}`, 3, outer)
    case 'feature':
      return `features.${e.feature}[${expressionText(e.key)}].${e.measure}`
    case 'call':
      return callText(e, outer)
  }
}

function callText({ fn, args }: Expression & { op: 'call' }, outer: number): string {
  const binary = BINARY[fn]
  if (binary) {
    const [sign, level] = binary
    const parts = args.map((arg, i) => expressionText(arg, i === 0 || level < 3 ? level : level + 1))
    return inBrackets(parts.join(` ${sign} `), level, outer)
  }
  if (fn === 'not') return `!${expressionText(args[0]!, UNARY_LEVEL)}`
  if (fn === 'neg') return `-${expressionText(args[0]!, UNARY_LEVEL)}`
  if (fn === 'cond') return inBrackets(args.map((arg, i) => `${['', '? ', ': '][i]}${expressionText(arg, 1)}`).join(' '), 0.5, outer) // biome-ignore format: one step
  const texts = args.map((arg) => expressionText(arg))
  if (METHODS.includes(fn)) return `${expressionText(args[0]!, UNARY_LEVEL)}.${fn}(${texts.slice(1).join(', ')})`
  return `${fn}(${texts.join(', ')})`
}

function inBrackets(text: string, level: number, outer: number): string {
  return level < outer ? `(${text})` : text
}
