import { printableLines } from '../../../kit/printable.ts'

/** Text for HTML and SVG, attributes included. */
export function escaped(text: string): string {
  return printableLines(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

export interface Bar {
  /** Shown on the axis where there is room, and when pointed at. */
  readonly name: string
  readonly value: number
}

/** At which a unit is a pixel, more or less: charts of a card, and those that stand alone. */
export const NARROW = 460
export const WIDE = 720
const LEFT = 44
const RIGHT = 12
const TOP = 12
const BOTTOM = 26
/** Room for a name on the axis. */
const NAME_WIDTH = 76

/** Bars over names, zero at the bottom; `label` says to those who cannot see it what it shows. */
export function barChart(bars: readonly Bar[], label: string, width: number, height = 150): string {
  const most = Math.max(1, ...bars.map((bar) => bar.value))
  const ticks = tickValues(most)
  const top = Math.max(most, ticks.at(-1)!)
  const y = (value: number) => TOP + (1 - value / top) * (height - TOP - BOTTOM)
  const step = (width - LEFT - RIGHT) / Math.max(1, bars.length)
  const gap = step > 6 ? Math.min(6, step * 0.25) : 0
  const nameEvery = Math.ceil(NAME_WIDTH / step)
  const shapes = bars.map(({ name, value }, i) => {
    const x = LEFT + i * step
    const rect = `<rect class="bar" x="${n(x + gap / 2)}" y="${n(y(value))}" width="${n(Math.max(1, Math.min(64, step - gap)))}" height="${n(y(0) - y(value))}" rx="${step > 8 ? 2 : 0}"><title>${escaped(name)}: ${value}</title></rect>`
    const isNamed = i % nameEvery === 0
    return `${value > 0 ? rect : ''}${isNamed ? text(x + Math.min(64, step - gap) / 2 + gap / 2, height - 8, name, 'middle') : ''}`
  })
  return svg(width, height, label, `${gridLines(ticks, y, width)}${shapes.join('')}${baseLine(y(0), width)}`)
}

export interface CurvePoint {
  readonly name: string
  /** Shares, 0 to 1. */
  readonly recall: number
  readonly precision: number
}

/** Precision over recall, a point a setting, joined in the order of recall. */
export function curveChart(points: readonly CurvePoint[], label: string, height = 300): string {
  const x = (share: number) => LEFT + share * (WIDE - LEFT - RIGHT - 60)
  const y = (share: number) => TOP + (1 - share) * (height - TOP - BOTTOM - 14)
  const ticks = [0, 0.25, 0.5, 0.75, 1]
  const sorted = points.toSorted((a, b) => a.recall - b.recall || b.precision - a.precision)
  const grid = ticks.map(
    (t) =>
      `<line class="grid" x1="${LEFT}" x2="${n(x(1))}" y1="${n(y(t))}" y2="${n(y(t))}"/>${text(LEFT - 6, y(t) + 4, `${100 * t}%`, 'end')}${text(x(t), y(0) + 18, `${100 * t}%`, 'middle')}`,
  )
  const path = sorted.map((p, i) => `${i === 0 ? 'M' : 'L'}${n(x(p.recall))} ${n(y(p.precision))}`).join('')
  const marks = sorted.map(
    (p, i) =>
      `<circle class="dot" cx="${n(x(p.recall))}" cy="${n(y(p.precision))}" r="4.5"><title>${escaped(p.name)}: recall ${share(p.recall)}, precision ${share(p.precision)}</title></circle>${text(x(p.recall) + 8, y(p.precision) + (i % 2 === 0 ? -7 : 15), p.name, 'start')}`,
  )
  const axes = `${text(x(0.5), height - 2, 'recall', 'middle')}<text class="axis" transform="translate(10 ${n(y(0.5))}) rotate(-90)" text-anchor="middle">precision</text>`
  return svg(WIDE, height, label, `${grid.join('')}<path class="curve" d="${path}"/>${marks.join('')}${axes}`)
}

function svg(width: number, height: number, label: string, inside: string): string {
  return `<svg viewBox="0 0 ${width} ${height}" style="max-width:${width}px" role="img" aria-label="${escaped(label)}">${inside}</svg>`
}

function gridLines(ticks: readonly number[], y: (value: number) => number, width: number): string {
  return ticks
    .map(
      (t) =>
        `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${n(y(t))}" y2="${n(y(t))}"/>${text(LEFT - 6, y(t) + 4, t.toLocaleString('en-US'), 'end')}`,
    )
    .join('')
}

function baseLine(y: number, width: number): string {
  return `<line class="base" x1="${LEFT}" x2="${width - RIGHT}" y1="${n(y)}" y2="${n(y)}"/>`
}

function text(x: number, y: number, what: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text class="axis" x="${n(x)}" y="${n(y)}" text-anchor="${anchor}">${escaped(what)}</text>`
}

/** Up to four round values from 0 to at least `most`. */
function tickValues(most: number): number[] {
  const rough = most / 3
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = Math.max(1, [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? 10 * power)
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, i) => i * step)
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)}%`
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10)
}
