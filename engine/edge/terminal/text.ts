import { printable } from '../../kit/printable.ts'
/** Colours, or none. */
export interface Paint {
  bold(text: string): string
  dim(text: string): string
  severity(severity: string, text: string): string
}

const RESET = '\x1b[0m'
const SEVERITY_CODES: Readonly<Record<string, string>> = {
  critical: '\x1b[1;31m',
  high: '\x1b[31m',
  medium: '\x1b[33m',
  low: '\x1b[36m',
  info: '\x1b[2m',
}

export const plain: Paint = { bold: (text) => text, dim: (text) => text, severity: (_, text) => text }

export const coloured: Paint = {
  bold: (text) => `\x1b[1m${text}${RESET}`,
  dim: (text) => `\x1b[2m${text}${RESET}`,
  severity: (severity, text) => `${SEVERITY_CODES[severity] ?? ''}${text}${RESET}`,
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/

/** The beginning that fits into `cells` of a terminal, printable. */
export function clip(text: string, cells: number): string {
  let out = ''
  let used = 0
  for (const c of printable(text)) {
    const code = c.codePointAt(0)!
    const width = WIDE.test(c) || code > 0xffff ? 2 : 1
    if (used + width > cells) return cells > 0 ? `${out.slice(0, -1)}…` : ''
    out += c
    used += width
  }
  return out
}

/** In two lines, cut at a blank where there is one; the second ends in … when there was more. */
export function wrap(text: string, cells: number): readonly [first: string, second: string] {
  const whole = clip(text, Number.POSITIVE_INFINITY)
  const first = clip(whole, cells)
  if (first === whole) return [whole, '']
  const blank = first.lastIndexOf(' ')
  const end = blank > 0 ? blank : first.length - 1
  return [first.slice(0, end), clip(whole.slice(end).trimStart(), cells)]
}

export function pad(text: string, cells: number): string {
  return clip(text, cells).padEnd(cells)
}
