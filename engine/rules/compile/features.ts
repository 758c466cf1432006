import type { Feature } from '../../model/rule.ts'
import { Draft, type Surroundings } from '../check/definition.ts'
import { checkFeature } from '../check/feature.ts'
import type { FeatureNames } from '../expression/names.ts'
import { entryOf, type MapNode, type Node } from '../source/tree.ts'
import type { Document } from './documents.ts'
import { bodyHash } from './hash.ts'

/** `value` is null where it has a fault. */
export interface CheckedFeature {
  readonly document: Document
  readonly draft: Draft
  readonly value: Feature | null
}

export interface CheckedFeatures {
  /** In the order of the files. */
  readonly features: readonly CheckedFeature[]
  /** Faulty ones too, so that whoever reads them is not blamed. */
  readonly names: ReadonlyMap<string, FeatureNames>
}

/** Those that others read come first: what they publish must be known. */
export function checkFeatures(documents: readonly Document[], around: Surroundings): CheckedFeatures {
  const byId = new Map<string, Document>()
  for (const document of documents) {
    const { id, idSpan, report } = document
    if (byId.has(id)) report.error('duplicate-name', idSpan, `a second feature "${id}"`)
    else byId.set(id, document)
  }
  const reads = new Map([...byId].map(([id, { node }]) => [id, readsOf(node).filter((other) => byId.has(other))]))
  const names = new Map<string, FeatureNames>()
  const checked = new Map<string, CheckedFeature>()
  const onTheWay: string[] = []
  const check = (document: Document): void => {
    const { id, idSpan, report, node } = document
    if (checked.has(id)) return
    if (onTheWay.includes(id)) {
      const circle = [...onTheWay.slice(onTheWay.indexOf(id)), id]
      report.error('feature-cycle', idSpan, `features read each other in a circle: ${circle.join(' -> ')}`)
      names.set(id, { by: '', key: 'unknown', measures: null, elements: new Map() })
      return
    }
    onTheWay.push(id)
    for (const other of reads.get(id)!) check(byId.get(other)!)
    onTheWay.pop()
    const draft = new Draft('feature', document, { ...around, features: names })
    const found = checkFeature(draft)
    names.set(id, found.names)
    checked.set(id, { document, draft, value: found.feature && { ...found.feature, hash: bodyHash(node) } })
  }
  for (const document of byId.values()) check(document)
  return { features: [...byId.keys()].map((id) => checked.get(id)!), names }
}

/** A feature is found by its name, and so are rules and rankings: one name, one thing. */
export function checkNames(features: readonly CheckedFeature[], others: readonly Document[]): void {
  for (const { document } of features) {
    const { id, idSpan, report } = document
    const other = others.find((o) => o.id === id)
    if (!other) continue
    const { source } = other.report
    const place = `${source.path}:${source.position(other.idSpan.start).line}`
    report.error('duplicate-definition', idSpan, `"${id}" is the name of a ${other.kind} in ${place}`)
  }
}

/** Ids of the features that a feature's expressions name, before they are checked. */
function readsOf(node: MapNode): string[] {
  const texts = ['let', 'where', 'unless', 'measure'].flatMap((key) => textsOf(entryOf(node, key)?.value))
  return texts.flatMap((text) => [...text.matchAll(/\bfeatures\.(\w+)/g)].map((match) => match[1]!))
}

function textsOf(node: Node | undefined): string[] {
  if (node?.kind === 'scalar') return [node.text]
  if (node?.kind === 'map') return node.entries.flatMap(({ value }) => textsOf(value))
  return node?.kind === 'seq' ? node.items.flatMap(textsOf) : []
}
