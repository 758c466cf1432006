import type { Config } from '../../config.ts'
import { EngineError } from '../../model/errors.ts'

const ANSWER_MS_MAX = 2_000
/** Fewer tell nothing. */
const EVENTS_MIN = 20

/**
 * What the engine that runs here leaves out by the times of its events. Null: none answers. EngineError INPUT_MALFORMED where
 * that is most.
 */
export async function eventTimes({ http }: Pick<Config, 'http'>): Promise<string | null> {
  const text = await metricsOf(http)
  if (text === null) return null
  const taken = sum(text, 'events_total')
  const late = sum(text, 'late_total')
  const untimely = sum(text, 'dead_letters_total', /reason="(?:NO|FUTURE)_TIME"/)
  const all = taken + late + untimely
  if (all < EVENTS_MIN || 2 * (late + untimely) <= all)
    return `of ${all} events ${late} were late, ${untimely} had no time that is believed`
  throw new EngineError(
    'INPUT_MALFORMED',
    `of ${all} events ${late} were late, ${untimely} had no time that is believed: time_format, zone or a clock is wrong`,
  )
}

async function metricsOf({ host, port }: Config['http']): Promise<string | null> {
  try {
    const response = await fetch(`http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics`, {
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
    return response.ok ? await response.text() : null
  } catch {
    return null
  }
}

/** Of all samples of a metric whose labels match. */
function sum(text: string, name: string, labels = /^/): number {
  let total = 0
  for (const [, found, value] of text.matchAll(new RegExp(`^lapwing_${name}(\\{.*\\})? (\\S+)$`, 'gm')))
    if (labels.test(found ?? '')) total += Number(value)
  return total
}
