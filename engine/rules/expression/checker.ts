import type { ASTNode } from '@marcbachmann/cel-js'
import type { ValueType } from '../../model/expression.ts'
import type { IssueCode, Reporter } from '../source/issues.ts'
import type { Span } from '../source/text.ts'
import type { ExpressionText } from '../source/tree.ts'
import { isUnread, knownHint, knownOf } from './known.ts'
import type { Names } from './names.ts'
import { spanIn } from './parse.ts'
import { constantOf, isSame } from './ranges.ts'
import { type Typed, UNKNOWN } from './typed.ts'
import { aType, listHint, rangeHint } from './wording.ts'

/** One expression as it is checked: what it may read, and where its faults are told. */
export class Checker {
  readonly source: ExpressionText
  readonly names: Names
  readonly #report: Reporter
  readonly #inferNode: (checker: Checker, node: ASTNode) => Typed
  /** Conditions so far that are always the same. */
  #constants = 0
  /** Where nodes of a wrong type begin, as far as they have been told. */
  readonly #mismatches = new Set<number>()

  /** `inferNode` knows each kind of node; it asks `infer` for those below. */
  constructor(
    source: ExpressionText,
    names: Names,
    report: Reporter,
    inferNode: (checker: Checker, node: ASTNode) => Typed,
  ) {
    this.source = source
    this.names = names
    this.#report = report
    this.#inferNode = inferNode
  }

  infer(node: ASTNode): Typed {
    const found = this.#constants
    const typed = this.#inferNode(this, node)
    if (typed.type === 'boolean' && found === this.#constants) this.#warnConstant(node, typed)
    return typed
  }

  number(node: ASTNode, what: string): Typed {
    const typed = this.infer(node)
    this.expect(node, typed, 'number', `${what} needs numbers`)
    return typed
  }

  expect(node: ASTNode, typed: Typed, type: ValueType, what: string): void {
    if (typed.type === type || typed.type === 'unknown') return
    this.fault('type-mismatch', node, `${what}, but this is ${aType(typed.type)}`, listHint(typed))
  }

  /** A wrong type is told once in one place: `a > b > c > d` and its part `a > b > c` begin alike. */
  fault(code: IssueCode, node: ASTNode, message: string, suggestion: string | null = null): Typed {
    if (code === 'type-mismatch') {
      if (this.#mismatches.has(node.start)) return UNKNOWN
      this.#mismatches.add(node.start)
    }
    return this.faultAt(code, this.span(node), message, suggestion)
  }

  faultAt(code: IssueCode, span: Span, message: string, suggestion: string | null = null): Typed {
    this.#report.error(code, span, message, suggestion)
    return UNKNOWN
  }

  span(node: ASTNode): Span {
    return spanIn(this.source, node.start, node.end)
  }

  /** Parts that are constant have been said: what they make of the whole is not said again. */
  #warnConstant(node: ASTNode, { expression }: Typed): void {
    const { ranges, fields } = this.names
    if (!ranges || isUnread(expression)) return
    const constant = constantOf(expression, ranges) ?? knownOf(expression, fields)
    if (constant === null) return
    const [left, right] = expression.op === 'call' ? expression.args : []
    const isOfEquals = right !== undefined && left.op !== 'literal' && isSame(left, right)
    const hint = isOfEquals ? 'both sides are the same' : left && rangeHint([left, right ?? left], ranges)
    this.warnDoubtful(node, `this can never be ${!constant}`, hint ?? knownHint(expression, fields))
  }

  /** Where `check` looks for what is hardly meant. */
  warnDoubtful(node: ASTNode, message: string, hint: string | null = null): void {
    if (this.names.ranges) this.#constants += 1
    this.warn('constant-condition', node, message, hint)
  }

  /** Said by `check` only. */
  warn(code: IssueCode, node: ASTNode, message: string, hint: string | null): void {
    if (this.names.ranges) this.#report.warning(code, this.span(node), message, hint)
  }
}
