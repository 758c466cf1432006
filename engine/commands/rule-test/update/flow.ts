import { stringify } from 'yaml'

/** A value as YAML on one line, as rule files have it: `{ at: 40m, key: { shop_id: S1 } }`. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([name, item]) => `${name}: ${flow(item)}`)
    return `{ ${pairs.join(', ')} }`
  }
  // as an item of a list: what needs quotes only there gets them
  return stringify([value], { collectionStyle: 'flow', lineWidth: 0 }).trimEnd().slice(1, -1).trim()
}
