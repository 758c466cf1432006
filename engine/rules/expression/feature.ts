import type { ASTNode } from '@marcbachmann/cel-js'

/** `features.market_price[event.item_id].median`, taken apart; offsets are those of the names. */
export interface FeatureRead {
  readonly feature: string
  readonly featureAt: number
  readonly key: ASTNode
  readonly measure: string
  readonly measureAt: number
}

/** Null when `node` is something else. */
export function featureRead(node: ASTNode): FeatureRead | null {
  if (node.op !== '.' || node.args[0].op !== '[]') return null
  const [indexed, measure] = node.args
  const [of, key] = indexed.args as [ASTNode, ASTNode]
  if (of.op !== '.' || of.args[0].op !== 'id' || of.args[0].args !== 'features') return null
  return { feature: of.args[1], featureAt: of.pos, key, measure, measureAt: node.pos }
}
