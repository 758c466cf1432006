/** `list`: the values of a `top` measure. */
export type ValueType = 'number' | 'string' | 'boolean' | 'null' | 'list'

/** What an expression yields while the engine runs. `undefined` = abstain: the rule takes no position. */
export type Value = number | string | boolean | null | undefined | readonly (number | string | boolean)[]

/**
 * Operators and functions of a checked expression, by name.
 * `mod` follows JavaScript; `concat` is `+` on strings; `cond` is `c ? a : b`; `in` takes a literal list;
 * `member` is `in` with a `top` measure on its right.
 */
export type Operator =
  | 'or'
  | 'and'
  | 'not'
  | 'cond'
  | 'eq'
  | 'ne'
  | 'lt'
  | 'le'
  | 'gt'
  | 'ge'
  | 'add'
  | 'sub'
  | 'mul'
  | 'div'
  | 'mod'
  | 'neg'
  | 'concat'
  | 'size'
  | 'member'
  | 'startsWith'
  | 'endsWith'
  | 'contains'
  | 'matches'
  | 'abs'
  | 'min'
  | 'max'
  | 'round'
  | 'lower'
  | 'unordered'
  | 'subnet'
  | 'hour'
  | 'weekday'

/**
 * A checked expression: a tree of our own, plain JSON, the only thing that conditions are compiled from.
 *
 * field    event.<name>; let     a named per-event value of the rule
 * measure  a measure of the rule; key  key.<name>; param  params.<name>
 * inList   value in lists.<list>; in   value in [literals]
 * feature  features.<feature>[key].<measure>
 * Durations are already milliseconds; `type` is what the node yields when it yields neither null nor abstain.
 */
export type Expression =
  | { readonly op: 'literal'; readonly type: ValueType; readonly value: number | string | boolean | null }
  | { readonly op: 'field' | 'let' | 'measure' | 'key' | 'param'; readonly type: ValueType; readonly name: string }
  | { readonly op: 'inList'; readonly type: 'boolean'; readonly value: Expression; readonly list: string }
  | {
      readonly op: 'feature'
      readonly type: ValueType
      readonly feature: string
      readonly key: Expression
      readonly measure: string
    }
  | {
      readonly op: 'in'
      readonly type: 'boolean'
      readonly value: Expression
      readonly items: readonly (number | string | boolean | null)[]
    }
  | { readonly op: 'call'; readonly type: ValueType; readonly fn: Operator; readonly args: readonly Expression[] }
