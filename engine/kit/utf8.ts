/** True when `bytes[start..end)` is UTF-8 as Unicode defines it: shortest forms only, no surrogates, at most U+10FFFF. */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const lead = bytes[at++]
    if (lead < 0x80) continue
    const more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0
    if (more === 0 || more > end - at) return false
    // The second byte alone tells longer forms, surrogates and what is above U+10FFFF from the rest.
    const second = bytes[at++]
    if (second < lowestSecond(lead) || second > highestSecond(lead)) return false
    for (let i = 1; i < more; i++) if ((bytes[at++] & 0xc0) !== 0x80) return false
  }
  return true
}

function lowestSecond(lead: number): number {
  return lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
}

function highestSecond(lead: number): number {
  return lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
}
