import type { Running } from './engines.ts'

export interface Metric {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What an engine says of itself now; nothing while it is not up. */
export async function metricsOf({ metrics }: Running): Promise<Metric[]> {
  const answer = metrics === null ? null : await fetch(metrics).catch(() => null)
  return answer?.ok ? parseMetrics(await answer.text()) : []
}

/** Prometheus's text format, as far as the engine writes it. */
export function parseMetrics(text: string): Metric[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = line.match(/^(\w+)(?:\{(.*)\})? (\S+)$/) ?? []
    if (name === undefined) return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text])
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}
