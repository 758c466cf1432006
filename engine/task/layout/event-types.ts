import type { Definition, RuleSet } from '../../model/rule.ts'
import { type Stream, streamOfType } from '../../model/stream.ts'
import type { FeaturePlan, RankingPlan, RulePlan, TypePlan } from '../plans.ts'
import type { SequencePlan } from '../sequence/plan.ts'

/** The event types that a rule set takes, and what happens to events of each. */
export class EventTypes {
  readonly plans: TypePlan[] = []
  readonly index = new Map<string, number>()

  constructor(set: RuleSet, streams: readonly Stream[]) {
    const features = set.features.filter(({ fixed }) => !fixed)
    for (const definition of [...set.rules, ...set.sequences, ...set.rankings, ...features])
      for (const type of definition.on) this.#add(type, streams)
  }

  /** Indexes of the definition's types. */
  of(definition: Pick<Definition, 'on'>): number[] {
    return definition.on.map((type) => this.index.get(type) as number)
  }

  /** Makes events of the definition's types resolve its key. */
  use(definition: Definition, user: RulePlan | RankingPlan | SequencePlan | FeaturePlan): void {
    for (const type of this.of(definition)) {
      const { spaces } = this.plans[type]
      const space = spaces.find((s) => s.space === user.space)
      if (space) space.users.push(user)
      else spaces.push({ space: user.space, users: [user] })
    }
  }

  #add(name: string, streams: readonly Stream[]): void {
    if (this.index.has(name)) return
    const stream = streamOfType(streams, name)
    if (!stream) throw new TypeError(`no stream carries ${name}`)
    this.index.set(name, this.plans.length)
    this.plans.push({ name, stream, lets: [], filters: [], spaces: [] })
  }
}
