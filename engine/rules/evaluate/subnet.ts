/**
 * `203.0.113.7`, 24 -> `203.0.113.0/24`; IPv6 likewise, by `v6Bits`. `::ffff:203.0.113.7` in any spelling is the IPv4
 * address it holds. Null if `ip` is no address or has fewer bits.
 */
export function subnetOf(ip: string, v4Bits: number, v6Bits = v4Bits): string | null {
  if (!ip.includes(':')) return v4Subnet(parseV4(ip), v4Bits)
  const groups = parseV6(ip)
  if (!groups) return null
  if (isMapped(groups)) return v4Subnet(groups[6] * 65_536 + groups[7], v4Bits)
  if (!isPrefix(v6Bits, 128)) return null
  const masked = groups.map((g, i) => {
    const kept = Math.max(0, Math.min(16, v6Bits - i * 16))
    return g & (0xffff << (16 - kept)) & 0xffff
  })
  return `${showV6(masked)}/${v6Bits}`
}

function v4Subnet(address: number | null, bits: number): string | null {
  if (address === null || !isPrefix(bits, 32)) return null
  const masked = bits === 0 ? 0 : (address & (-1 << (32 - bits))) >>> 0
  return `${masked >>> 24}.${(masked >>> 16) & 255}.${(masked >>> 8) & 255}.${masked & 255}/${bits}`
}

function isPrefix(bits: number, most: number): boolean {
  return Number.isInteger(bits) && bits >= 0 && bits <= most
}

/** `::ffff:0:0/96`: an IPv4 address as an IPv6 socket shows it. */
function isMapped(groups: readonly number[]): boolean {
  return groups[5] === 0xffff && groups.every((g, i) => i > 4 || g === 0)
}

function parseV4(ip: string): number | null {
  const parts = ip.split('.')
  if (parts.length !== 4) return null
  let address = 0
  for (const part of parts) {
    const n = /^\d{1,3}$/.test(part) ? Number(part) : 256
    if (n > 255) return null
    address = address * 256 + n
  }
  return address
}

function parseV6(ip: string): number[] | null {
  let text = ip
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(ip)
  if (dotted) {
    const v4 = parseV4(dotted[2])
    if (v4 === null) return null
    text = `${dotted[1]}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`
  }
  const halves = text.split('::')
  if (halves.length > 2) return null
  const [head, tail] = halves.map((h) => (h === '' ? [] : h.split(':')))
  const given = head.length + (tail?.length ?? 0)
  if (tail ? given > 7 : given !== 8) return null
  const all = tail ? [...head, ...Array<string>(8 - given).fill('0'), ...tail] : head
  const groups = all.map((g) => (/^[0-9a-fA-F]{1,4}$/.test(g) ? Number.parseInt(g, 16) : -1))
  return groups.includes(-1) ? null : groups
}

/** Shortest form: the longest run of zero groups, the first of equal ones, as `::`. */
function showV6(groups: readonly number[]): string {
  let best = -1
  let bestLength = 1
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length += 1
    if (length > bestLength) {
      best = i
      bestLength = length
    }
  }
  const hex = groups.map((g) => g.toString(16))
  return best === -1 ? hex.join(':') : `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`
}
