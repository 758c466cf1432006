import type { Output } from '../model/output.ts'

/**
 * Outputs in an order that does not depend on what docs/semantics.md leaves open: within one moment, closings of the
 * same rule stand by key, groups of the same ranking by group. Everything else stays in place.
 */
export function canonical(outputs: readonly Output[]): Output[] {
  const result: Output[] = []
  let run: Output[] = []
  for (const output of outputs) {
    if (run.length > 0 && (openOrder(output) === null || openOrder(output) !== openOrder(run[0]!))) {
      result.push(...run.sort(byText))
      run = []
    }
    run.push(output)
  }
  return [...result, ...run.sort(byText)]
}

/** Neighbours with the same text may stand in any order; null: it stands where it stands. */
function openOrder(output: Output): string | null {
  if (output.kind === 'ranking') return `ranking ${output.ranking} ${output.as_of}`
  if (output.kind === 'alert' && output.status === 'closed') return `closed ${output.rule} ${output.event_time}`
  return null
}

function byText(a: Output, b: Output): number {
  const [x, y] = [text(a), text(b)]
  return x < y ? -1 : x > y ? 1 : 0
}

/** Members by name; -0 is 0; what JSON has no word for stands as text. */
function text(value: unknown): string {
  return JSON.stringify(value, (_, v) => {
    if (typeof v === 'number') return Number.isFinite(v) ? v + 0 : String(v)
    if (v === null || typeof v !== 'object' || Array.isArray(v)) return v
    return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** Rules and rankings apart, in the order of their names: what each of them says, and in which order. */
export function apart(outputs: readonly Output[]): Output[] {
  const nameOf = (o: Output) => (o.kind === 'ranking' ? `ranking ${o.ranking}` : `rule ${o.rule}`)
  const names = [...new Set(outputs.map(nameOf))].sort()
  return names.flatMap((name) => outputs.filter((o) => nameOf(o) === name))
}

/** The first difference between two runs in words, or null when they agree. */
export function firstDifference(expected: readonly Output[], actual: readonly Output[]): string | null {
  const [before, after] = [canonical(expected), canonical(actual)]
  const at = Array.from({ length: Math.max(before.length, after.length) }).findIndex(
    (_, i) => text(before[i] ?? null) !== text(after[i] ?? null),
  )
  if (at < 0) return null
  const [a, b] = [before[at], after[at]]
  const fields = a && b ? differingPaths(a, b, '').join('\n  ') : 'one of the two ends here'
  return [
    `output ${at} of ${before.length} expected and ${after.length} actual differs:`,
    `  ${fields}`,
    `expected: ${a ? text(a) : 'nothing'}`,
    `actual:   ${b ? text(b) : 'nothing'}`,
    ...before.slice(Math.max(0, at - 2), at).map((o) => `before it: ${text(o)}`),
  ].join('\n')
}

function differingPaths(a: unknown, b: unknown, path: string): string[] {
  if (text(a ?? null) === text(b ?? null)) return []
  const isTree = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null
  if (!isTree(a) || !isTree(b)) return [`${path}: expected ${text(a ?? null)}, actual ${text(b ?? null)}`]
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return names.flatMap((name) => differingPaths(a[name], b[name], path ? `${path}.${name}` : name))
}
