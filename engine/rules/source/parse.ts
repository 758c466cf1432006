import { isAlias, isMap, isScalar, isSeq, Scalar } from 'yaml'
import type { RuleSource } from '../../model/block.ts'
import { Reporter, type RuleIssue } from './issues.ts'
import { scalarOffsets } from './scalar-offsets.ts'
import { SourceText, type Span } from './text.ts'
import type { Entry, MapNode, Node } from './tree.ts'
import { parseYaml } from './yaml.ts'

const FILE_LENGTH_MAX = 1 << 20
const DOCUMENTS_MAX = 1_000

export interface ParsedFile {
  readonly source: SourceText
  readonly documents: readonly MapNode[]
  /** False when a document could not be read: names that it would have given may be missed without fault. */
  readonly complete: boolean
}

/** One file's YAML -> its documents as trees with positions. Faults of the YAML itself are reported here. */
export function parseFile(file: RuleSource, issues: RuleIssue[]): ParsedFile {
  const source = new SourceText(file.path, file.text)
  const reporter = new Reporter(source, null, issues)
  const nothing = { source, documents: [], complete: false }
  if (!checkText(source, reporter)) return nothing
  const { text } = source
  const { documents, faults, broken, complete } = parseYaml(text)
  for (const f of faults) reporter.error(f.code, f.span, f.message, f.suggestion)
  if (documents.length > DOCUMENTS_MAX) {
    reporter.error('too-many', { start: 0, end: 1 }, `more than ${DOCUMENTS_MAX} documents in one file`)
    return nothing
  }
  const trees: Node[] = []
  for (const { contents } of documents) {
    if (contents === null || (isScalar(contents) && contents.value === null)) continue
    const tree = new TreeBuilder(text, reporter, broken).node(contents, 0)
    trees.push(tree)
    if (tree.kind !== 'scalar' && tree.kind !== 'seq') continue
    const span = { start: tree.span.start, end: tree.span.start + 1 }
    reporter.error('not-a-mapping', span, 'a document is a mapping of keys to values, such as "rule: my_rule"')
  }
  if (trees.length === 0 && complete) {
    const hint = 'a file starts with rule:, ranking: or list:'
    reporter.error('empty-file', { start: 0, end: 1 }, 'the file holds no document', hint)
  }
  const maps = trees.filter((t) => t.kind === 'map')
  return { source, documents: maps, complete: complete && maps.length === trees.length }
}

// biome-ignore format: one line, so that the next comment reaches it
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNPRINTABLE = /[\ufffd\u0000-\u0008\u000b\u000c\u000e-\u001f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

function checkText(source: SourceText, reporter: Reporter): boolean {
  const { text } = source
  if (text.length > FILE_LENGTH_MAX) {
    reporter.error(
      'file-too-large',
      { start: 0, end: 1 },
      `the file has ${text.length} characters; at most ${FILE_LENGTH_MAX}`,
    )
    return false
  }
  const bad = UNPRINTABLE.exec(text)
  if (!bad) return true
  const span = { start: bad.index, end: bad.index + 1 }
  const invalid = bad[0] === '\ufffd' || bad[0] >= '\ud800'
  const what = invalid ? 'the file is not valid UTF-8 here' : 'a control character has no place in a rule file'
  reporter.error('bad-encoding', span, what, invalid ? 'save it as UTF-8' : 'remove it')
  return false
}

const DEPTH_MAX = 40

class TreeBuilder {
  readonly #text: string
  readonly #reporter: Reporter
  readonly #broken: ReadonlySet<number>

  constructor(text: string, reporter: Reporter, broken: ReadonlySet<number>) {
    this.#text = text
    this.#reporter = reporter
    this.#broken = broken
  }

  node(node: unknown, depth: number): Node {
    const span = this.#span(node)
    if (depth > DEPTH_MAX) {
      this.#reporter.error('yaml-syntax', { start: span.start, end: span.start + 1 }, 'nested too deeply')
      return { kind: 'broken', span }
    }
    if (this.#broken.has(span.start) && isScalar(node)) return { kind: 'broken', span }
    if (isAlias(node) || anchorLength(node) > 0) {
      const anchor = this.#text.lastIndexOf('&', span.start)
      const at = isAlias(node) ? span : { start: anchor, end: anchor + 1 + anchorLength(node) }
      this.#reporter.error('yaml-alias', at, 'anchors and aliases are not used in rule files', 'write the value out')
      return { kind: 'broken', span }
    }
    if (isMap(node)) return this.#map(node.items, span, depth)
    if (isSeq(node)) return { kind: 'seq', span, items: node.items.map((item) => this.#value(item, span, depth)) }
    if (isScalar(node)) return this.#scalar(node as Scalar, span)
    return { kind: 'scalar', span, value: null, text: '', offset: () => span.start }
  }

  #value(node: unknown, around: Span, depth: number): Node {
    if (node === null || node === undefined) {
      return { kind: 'scalar', span: around, value: null, text: '', offset: () => around.start }
    }
    return this.node(node, depth + 1)
  }

  #map(items: readonly { key: unknown; value: unknown }[], span: Span, depth: number): MapNode {
    const entries: Entry[] = []
    const seen = new Set<string>()
    for (const { key, value } of items) {
      const keySpan = this.#span(key)
      if (!isScalar(key) || key.value === null || anchorLength(key) > 0) {
        this.#reporter.error(
          'yaml-syntax',
          { start: keySpan.start, end: keySpan.start + 1 },
          'a key must be a plain name',
        )
        continue
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? String(key.value))
      if (seen.has(name)) {
        this.#reporter.error('duplicate-key', keySpan, `the key "${name}" stands here a second time`)
        continue
      }
      seen.add(name)
      entries.push({ key: name, keySpan, value: this.#value(value, keySpan, depth) })
    }
    return { kind: 'map', span, entries }
  }

  #scalar(node: Scalar, span: Span): Node {
    const { value, source } = node
    if (typeof value === 'bigint' || (value !== null && typeof value === 'object')) {
      this.#reporter.error('wrong-value', span, 'this value is neither text nor a number')
      return { kind: 'broken', span }
    }
    if (typeof value === 'number' && !Number.isFinite(value)) {
      this.#reporter.error('wrong-value', span, 'a number is finite')
      return { kind: 'broken', span }
    }
    if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
      const message = 'a number this large loses its last digits'
      this.#reporter.error('out-of-range', span, message, 'if it is an id, put it in quotes')
      return { kind: 'broken', span }
    }
    const scalar = value as string | number | boolean | null
    const text = typeof scalar === 'string' ? scalar : (source ?? '')
    let offsets: Int32Array | undefined
    const type = node.type ?? Scalar.PLAIN
    const offset = (i: number) => {
      offsets ??= scalarOffsets(this.#text, span.start, span.end, text, type)
      return offsets[Math.max(0, Math.min(i, text.length))]
    }
    return { kind: 'scalar', span, value: scalar, text, offset }
  }

  #span(node: unknown): Span {
    const range = typeof node === 'object' && node !== null && 'range' in node ? (node.range as number[] | null) : null
    return range ? { start: range[0], end: range[1] } : { start: 0, end: 0 }
  }
}

/** Length of a node's anchor; 0 = it has none. */
function anchorLength(node: unknown): number {
  const isAnchored = typeof node === 'object' && node !== null && 'anchor' in node && typeof node.anchor === 'string'
  return isAnchored ? (node.anchor as string).length : 0
}
