/**
 * All sets of as few names as possible such that each of `wants` contains one of them, each sorted, in alphabetical order.
 * Exact. Each want must name something.
 *
 * Cost  at most w^k steps, w = names in the longest want, k = size of the answer: thousands, for any real rule set
 */
export function smallestCovers(wants: readonly (readonly string[])[]): string[][] {
  const distinct = withoutSupersets(wants)
  for (let size = 0; ; size++) {
    const found = covers(distinct, size, [])
    if (found.length === 0) continue
    const distinctCovers = new Map(found.map((names) => [names.join('\n'), names]))
    return [...distinctCovers.keys()].sort().map((key) => distinctCovers.get(key)!)
  }
}

/** A want that contains another one is covered with it. */
function withoutSupersets(wants: readonly (readonly string[])[]): (readonly string[])[] {
  const kept: (readonly string[])[] = []
  for (const want of wants.toSorted((a, b) => a.length - b.length))
    if (!kept.some((other) => other.every((name) => want.includes(name)))) kept.push(want)
  return kept
}

/** All sorted sets of `size` more names that cover what `chosen` leaves open. */
function covers(wants: readonly (readonly string[])[], size: number, chosen: readonly string[]): string[][] {
  const open = wants.find((want) => !want.some((name) => chosen.includes(name)))
  if (!open) return [chosen.toSorted()]
  if (size === 0) return []
  return open.flatMap((name) => covers(wants, size - 1, [...chosen, name]))
}
