/** The one of `names` that is nearest to `wrong`, if it is near enough to be what was meant. */
export function nearest(wrong: string, candidates: Iterable<string>): string | null {
  const names = [...candidates]
  const limit = wrong.length <= 5 ? 1 : wrong.length <= 9 ? 2 : 3
  let best: string | null = null
  let bestDistance = limit + 1
  for (const name of names) {
    if (name === wrong) continue
    const distance = name.toLowerCase() === wrong.toLowerCase() ? 0 : editDistance(wrong, name, bestDistance)
    if (distance < bestDistance) {
      best = name
      bestDistance = distance
    }
  }
  return best ?? extended(wrong, names)
}

/** `shop` for `shop_id`: the shortest name that begins with what was written. */
function extended(wrong: string, names: Iterable<string>): string | null {
  if (wrong.length < 3) return null
  const longer = [...names].filter((n) => n.startsWith(wrong) && n !== wrong)
  return longer.sort((a, b) => a.length - b.length)[0] ?? null
}

export function didYouMean(wrong: string, names: Iterable<string>): string | null {
  const name = nearest(wrong, names)
  return name === null ? null : `did you mean "${name}"?`
}

/** Edits (insert, delete, replace, swap of neighbours) from `a` to `b`; `limit` if there are that many or more. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2] + 1)
      row.push(cost)
    }
    before = last
    last = row
  }
  return Math.min(last[b.length], limit)
}
