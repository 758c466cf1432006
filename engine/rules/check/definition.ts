import { own } from '../../kit/own.ts'
import type { Expression } from '../../model/expression.ts'
import type { Let, Mode, RuleSet, Scalar } from '../../model/rule.ts'
import { type Stream, streamOfType } from '../../model/stream.ts'
import { checkExpression } from '../expression/check.ts'
import { type FeatureNames, type FieldNames, fieldNames, type Names, type Type, Uses } from '../expression/names.ts'
import { MODES } from '../shape/common.ts'
import { LETS_MAX, PARAMS_MAX, TYPES_MAX } from '../shape/limits.ts'
import type { IssueCode, Reporter } from '../source/issues.ts'
import { Reader } from '../source/read.ts'
import { didYouMean, nearest } from '../source/suggest.ts'
import type { Span } from '../source/text.ts'
import { entryOf, type MapNode, type Node } from '../source/tree.ts'
import { durationOf, goodName } from '../source/values.ts'

/** What an unknown event type may have been meant to be. */
export function typeHint(name: string, streams: readonly Stream[]): string {
  const known = streams.flatMap((s) => ('fixed' in s.type ? [s.type.fixed] : s.types))
  const [family, ...rest] = name.split('.')
  const candidates = known.map((k) => (k.endsWith('.*') && rest.length > 0 ? [k.slice(0, -2), ...rest].join('.') : k))
  const families = known.filter((k) => k.endsWith('.*')).map((k) => k.slice(0, -2))
  const meant = nearest(family, families)
  const whole = meant !== null && rest.length > 0 ? [meant, ...rest].join('.') : nearest(name, candidates)
  return whole === null ? `there are ${known.join(', ')}` : `did you mean "${whole}"?`
}

/** What a document may lean on outside itself. */
export interface Surroundings {
  readonly streams: readonly Stream[]
  readonly lists: ReadonlyMap<string, 'string' | 'number'>
  readonly features: ReadonlyMap<string, FeatureNames>
  /** True when some file could not be read: a name may be missing through no fault of this document. */
  readonly incomplete: boolean
  readonly params: Readonly<Record<string, Readonly<Record<string, Scalar>>>>
  /** Null: only what is wrong is said, not what is doubtful. */
  readonly lint: Lint | null
}

/** What warnings of doubtful rules need to know. */
export interface Lint {
  /** Against which the end of exceptions is held. */
  readonly nowMs: number
  /** True when all rules that may read the lists are there. */
  readonly whole: boolean
  /** What a sound set costs too much. */
  readonly costs?: (set: RuleSet) => readonly CostDoubt[]
}

/** Something that one definition of a set costs. */
export interface CostDoubt {
  readonly id: string
  readonly version: number
  readonly code: IssueCode
  readonly message: string
  readonly hint: string | null
  /** Told, but no warning. */
  readonly isNote: boolean
}

const SETTLE_MAX_MS = 3_600_000

/** An event type where it is named. */
export interface TypeName {
  readonly name: string
  readonly span: Span
}

/** The document that a draft is of. */
export interface DraftOf {
  readonly id: string
  readonly node: MapNode
  readonly idSpan: Span
  readonly report: Reporter
}

/** A rule, sequence, ranking or feature while it is being checked: its names so far, and the parts that all kinds have. */
export class Draft {
  readonly kind: 'rule' | 'sequence' | 'ranking' | 'feature'
  readonly id: string
  readonly node: MapNode
  readonly idSpan: Span
  readonly read: Reader
  readonly around: Surroundings
  readonly fields: FieldNames
  readonly types: readonly string[]
  /** As the file has them. */
  readonly typeNames: readonly TypeName[]
  readonly params = new Map<string, Scalar>()
  readonly lets: Let[] = []
  readonly letTypes = new Map<string, Type>()
  /** What `let`, `where` and measures read. */
  readonly readingUses = new Uses()
  /** What `when`, `severity`, exceptions and `explain` read. */
  readonly conditionUses = new Uses()
  /** Measures that no other one is made of. */
  readonly measureSpans = new Map<string, Span>()
  readonly #paramTypes = new Map<string, Type>()
  readonly #paramSpans = new Map<string, Span>()
  readonly #letSpans = new Map<string, Span>()
  readonly #hidden = new Map<string, string>()
  #openParams = false
  #openTypes = false

  /** `types`: null = those of `on`. */
  constructor(
    kind: Draft['kind'],
    { id, node, idSpan, report }: DraftOf,
    around: Surroundings,
    types: readonly TypeName[] | null = null,
  ) {
    this.kind = kind
    this.id = id
    this.node = node
    this.idSpan = idSpan
    this.read = new Reader(report)
    this.around = around
    this.typeNames = types ?? this.#typesOfOn()
    this.types = this.#eventTypes(this.typeNames)
    this.fields = fieldNames(this.types, around.streams, this.#openTypes)
    this.#readParams()
  }

  value(key: string): Node | undefined {
    return entryOf(this.node, key)?.value
  }

  required(key: string): Node | null {
    return this.read.required(this.node, key, this.idSpan, `a ${this.kind}`)
  }

  /** Names that `let`, `where` and `unless` may see. */
  readingNames(place: string): Names {
    return {
      place,
      fields: this.fields,
      noEvent: null,
      lets: this.letTypes,
      measures: new Map(),
      elements: new Map(),
      hidden: this.#hidden,
      keys: null,
      keysAtReading: false,
      params: this.#paramTypes,
      lists: this.around.lists,
      features: this.around.features,
      open: {
        measures: false,
        params: this.#openParams,
        lists: this.around.incomplete,
        features: this.around.incomplete,
      },
      ranges: this.around.lint && new Map(),
      uses: this.readingUses,
    }
  }

  hide(name: string, why: string): void {
    this.#hidden.set(name, why)
  }

  /** A condition on the event, such as `where`; null if there is none or it is faulty. */
  readingCondition(node: Node | undefined, place: string): Expression | null {
    if (!node) return null
    const scalar = this.read.scalar(node, place)
    if (!scalar) return null
    return checkExpression(scalar, this.readingNames(place), this.read.report, 'boolean')?.expression ?? null
  }

  readLets(): void {
    const node = this.value('let')
    const map = node && this.read.map(node, 'let')
    if (!map) return
    this.#tooMany(map.entries.length, LETS_MAX, 'lets', map)
    for (const { key } of map.entries)
      this.hide(key, `"${key}" is defined further down: a let sees only those above it`)
    for (const { key, keySpan, value } of map.entries) {
      const good = goodName(this.read, key, keySpan, 'a let')
      if (this.fields.types.has(key)) {
        this.read.fault(
          'duplicate-name',
          keySpan,
          `"${key}" is a field of ${this.fields.label}: a let needs a name of its own`,
        )
      }
      const scalar = this.read.scalar(value, `"${key}"`)
      const typed = scalar && checkExpression(scalar, this.readingNames('let'), this.read.report, null)
      this.#hidden.delete(key)
      this.letTypes.set(key, typed?.type ?? 'unknown')
      this.#letSpans.set(key, keySpan)
      if (typed && good && typed.type !== 'unknown') {
        this.lets.push({ name: key, type: typed.type, expression: typed.expression })
      }
    }
  }

  /** A field or let by its bare name; reports and returns null if there is none. */
  fieldOrLet(name: string, span: Span): Type | null {
    const letType = this.letTypes.get(name)
    if (letType !== undefined) {
      this.readingUses.lets.add(name)
      return letType
    }
    const type = this.fields.types.get(name)
    if (type !== undefined) return type
    if (this.fields.open) return 'unknown'
    const fault = this.fields.faults.get(name)
    if (fault) return this.read.fault(fault.code, span, fault.message)
    const bare = name.startsWith('event.') ? name.slice(6) : null
    if (bare !== null && this.fields.types.has(bare)) {
      return this.read.fault('unknown-field', span, `a field is named without "event." here`, `write ${bare}`)
    }
    if (!/^\w+$/.test(name)) {
      return this.read.fault(
        'unknown-field',
        span,
        `${JSON.stringify(name)} is not a field: an expression goes into "let" and is named here`,
      )
    }
    const names = [...this.fields.types.keys(), ...this.letTypes.keys()]
    return this.read.fault(
      'unknown-field',
      span,
      `"${name}" is not a field of ${this.fields.label}`,
      didYouMean(name, names),
    )
  }

  version(): number | null {
    const node = this.required('version')
    const scalar = node && this.read.scalar(node, 'version')
    if (!scalar) return null
    if (typeof scalar.value === 'number' && Number.isSafeInteger(scalar.value) && scalar.value > 0) return scalar.value
    return this.read.fault('bad-version', scalar, 'version is a whole number from 1 on')
  }

  title(): string | null {
    const node = this.required('title')
    return node && this.read.text(node, 'title')
  }

  /** `owner`, and a look at the keys that nothing is computed from. */
  owner(): string {
    const runbook = this.value('runbook')
    if (runbook) this.read.text(runbook, 'runbook')
    const tags = this.value('tags')
    if (tags) this.read.names(tags, 'tags')
    const owner = this.value('owner')
    return (owner && this.read.text(owner, 'owner')) || ''
  }

  mode(): Mode {
    const node = this.value('mode')
    return (node && this.read.oneOf(node, 'mode', MODES)) || 'live'
  }

  settleMs(): number {
    const node = this.value('settle')
    return (node && durationOf(this.read, node, 'settle', 0, SETTLE_MAX_MS)) || 0
  }

  /** Of a document without faults only: what a faulty expression would have read is not known. */
  warnUnused(): void {
    if (this.read.report.errorCount > 0) return
    for (const [name, span] of this.#paramSpans) {
      if (!this.readingUses.params.has(name) && !this.conditionUses.params.has(name)) {
        this.read.report.warning('unused', span, `the param "${name}" is never read`)
      }
    }
    for (const [name, span] of this.#letSpans) {
      if (!this.readingUses.lets.has(name) && !this.conditionUses.lets.has(name)) {
        this.read.report.warning('unused', span, `the let "${name}" is never read`)
      }
    }
    // a shadow rule may be there for what it measures: `--measures`
    if (!this.around.lint || this.kind === 'feature' || this.mode() === 'shadow') return
    for (const [name, span] of this.measureSpans) {
      if (!this.conditionUses.measures.has(name))
        this.read.report.warning('unused', span, `the measure "${name}" is never read`, 'it only stands in the alert')
    }
  }

  #typesOfOn(): readonly TypeName[] {
    const node = this.required('on')
    return (node && this.read.names(node, 'on')) ?? []
  }

  /** Those that a stream carries, each once. */
  #eventTypes(names: readonly TypeName[]): string[] {
    if (names.length > TYPES_MAX) this.read.fault('too-many', names[TYPES_MAX].span, `at most ${TYPES_MAX} event types`)
    const types = new Set<string>()
    for (const { name, span } of names) {
      if (name.includes('*')) this.read.fault('unknown-event-type', span, `"${name}": event types are named one by one`)
      else if (streamOfType(this.around.streams, name)) types.add(name)
      else {
        const message = `no stream carries events of type "${name}"`
        this.read.fault('unknown-event-type', span, message, typeHint(name, this.around.streams))
      }
    }
    this.#openTypes = names.length === 0 || names.some(({ name }) => !types.has(name))
    return [...types]
  }

  #readParams(): void {
    const node = this.value('params')
    const map = node && this.read.map(node, 'params')
    this.#openParams = node !== undefined && !map
    if (map) this.#tooMany(map.entries.length, PARAMS_MAX, 'params', map)
    for (const { key, keySpan, value } of map ? map.entries : []) {
      goodName(this.read, key, keySpan, 'a param')
      this.#paramSpans.set(key, keySpan)
      const scalar = this.read.scalar(value, `the param "${key}"`)
      const type = scalar ? (typeof scalar.value as 'number' | 'string' | 'boolean') : 'unknown'
      this.#paramTypes.set(key, type)
      if (scalar && scalar.value !== null) this.params.set(key, scalar.value)
    }
    for (const [name, value] of Object.entries(own(this.around.params, this.id) ?? {})) this.#override(name, value)
  }

  #override(name: string, value: Scalar): void {
    const span = entryOf(this.node, 'params')?.keySpan ?? this.idSpan
    const type = this.#paramTypes.get(name)
    if (type === undefined) {
      const hint = didYouMean(name, this.#paramTypes.keys())
      this.read.fault('unknown-param', span, `"${name}" was set from outside, but is not in "params"`, hint)
    } else if (type !== 'unknown' && typeof value !== type) {
      this.read.fault(
        'type-mismatch',
        span,
        `"${name}" was set from outside to ${JSON.stringify(value)}, but is a ${type}`,
      )
    } else this.params.set(name, value)
  }

  #tooMany(count: number, most: number, what: string, node: Node): void {
    if (count > most) this.read.fault('too-many', node, `${count} ${what}; at most ${most}`)
  }
}
