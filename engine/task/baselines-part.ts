import type { SavedPoints } from './baseline.ts'
import type { Core } from './core.ts'
import type { BaselinePlan } from './plans.ts'
import type { StatePart } from './state-part.ts'

type Handed = readonly (readonly [name: string, points: readonly SavedPoints[]])[]

/**
 * Points of the past, which reach back further than the held events, as a part of the state: in the core's memory. A
 * change of rules finds them by the name of rule and measure, `rule@version#hash/measure`, and the values of the key.
 */
export function baselinesPart(core: Core): StatePart<Handed> {
  const { layout, clocks, strings, idle } = core
  return {
    name: 'baselines',
    handOver: (stays) =>
      [...layout.baselines]
        .filter(([name]) => stays(name.slice(0, name.lastIndexOf('/'))))
        .map(([name, { baseline, clock }]) => [
          name,
          baseline.save(clocks[clock].nowMs, (code) => strings.value(code)),
        ]),
    migrate: (handed) => {
      const done = new Set<BaselinePlan>()
      for (const [name, points] of handed) {
        const plan = layout.baselines.get(name)
        if (!plan || done.has(plan)) continue
        done.add(plan)
        const { baseline, space, clock } = plan
        baseline.load(
          points,
          clocks[clock].nowMs,
          (key) => core.slotOfKey(plan, key),
          (slot) => idle.add(space, slot),
        )
      }
      idle.forget()
    },
  }
}
