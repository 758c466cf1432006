import type { AlertNow, AlertRecord, Cell, Evidence, MeasureValue, Output, SourcePosition } from '../model/output.ts'
import { boundedEvidence, boundedMeasures, cutText, EXPLAIN_CHARS_MAX } from '../model/output-bounds.ts'
import { type Alert, alertKey, alertRecord, alertToJson, newAlert } from './alert.ts'
import type { AlertPlan, StandingPlan } from './alert-plan.ts'
import { byTurn, Closings } from './closings.ts'
import type { Context } from './context.ts'
import type { HeldEvents } from './held-events.ts'
import type { Layout } from './layout.ts'
import type { RulePlan } from './plans.ts'
import { Suspects } from './suspects.ts'

const UPDATE_EVERY_MS = 60_000

/** A violation or match that stands: an episode of no length. */
export interface Standing {
  /** The opening moment, and the moment at which records are written, on the rule's clock. */
  readonly openedMs: number
  readonly nowMs: number
  readonly source: SourcePosition
  readonly evidence: Evidence
  readonly coverage: number
}

/** How the key came to be evaluated. */
interface Occasion {
  readonly arrival: boolean
  readonly row: number
  readonly nowMs: number
}

interface Host {
  readonly layout: Layout
  readonly context: Context
  readonly events: HeldEvents
  /** Alerts that may be open at a time. */
  readonly openMax: number
  /** Number of the newest entry on a clock: what `countedEntry` is measured in. */
  newestEntry(clock: number): number
  coverage(plan: RulePlan, nowMs: number): number
  /** Nothing refers to the slot any more. */
  idle(space: number, slot: number): void
  emit(output: Output): void
  changed(key: string, value: string | null): void
}

/** Evaluates rules for keys and leads their alerts through their lives: docs/semantics.md, "Evaluation" and after. */
export class AlertBook {
  /** Emit a row of measures at each arrival. */
  measures = false
  readonly #host: Host
  readonly #bySlot: Map<number, Alert>[]
  readonly #closings: Closings
  readonly #dirty = new Set<Alert>()
  #openCount = 0
  #sequence = 0

  constructor(host: Host) {
    this.#host = host
    this.#bySlot = host.layout.alertPlans.map(() => new Map())
    this.#closings = new Closings(host.context)
  }

  get openCount(): number {
    return this.#openCount
  }

  /** Alerts by slot of the key, for those who look often. */
  bySlot(plan: AlertPlan): ReadonlyMap<number, unknown> {
    return this.#bySlot[plan.index]
  }

  hasAny(plans: readonly RulePlan[]): boolean {
    for (let i = 0; i < plans.length; i++) if (this.#bySlot[plans[i].index].size > 0) return true
    return false
  }

  /** Slots of the rule's keys with an open episode, in the order of their alerts' opening. */
  openEpisodes(plan: RulePlan): number[] {
    return [...this.#bySlot[plan.index]]
      .filter(([, alert]) => alert.episodeOpen)
      .sort(([, a], [, b]) => a.sequence - b.sequence)
      .map(([slot]) => slot)
  }

  /**
   * Asks the rule's condition of the key at `slot`. For an arrival the context stands on the event in `row`; for a
   * departure `row` is the first event of the key that left at that moment.
   */
  evaluate(plan: RulePlan, slot: number, arrival: boolean, row: number, nowMs: number): void {
    const { context, layout } = this.#host
    context.setKey(layout.spaces[plan.space], slot)
    const matched = this.#matches(plan)
    if (this.measures && arrival) this.#emitMeasures(plan, row, matched)
    if (matched === true && !this.#isMuted(plan)) {
      this.#fire(plan, slot, { arrival, row, nowMs })
      return
    }
    if (plan.suspects !== null && arrival) this.#leaveOut(plan, slot)
    if (matched === true) return
    const alerts = this.#bySlot[plan.index]
    if (alerts.size === 0 || plan.rule.evaluate !== 'every_change') return
    const alert = alerts.get(slot)
    if (alert?.episodeOpen) this.#endEpisode(plan, slot, alert, { arrival, row, nowMs })
  }

  /** True, and counted, when an exception silences what would stand for the key at `slot`. */
  isMuted(plan: StandingPlan, slot: number): boolean {
    if (plan.mutes.length === 0) return false
    const { context, layout } = this.#host
    context.setKey(layout.spaces[plan.space], slot)
    return this.#isMuted(plan)
  }

  /** A violation or match of the key at `slot` stands, and is not muted. */
  stand(plan: StandingPlan, slot: number, standing: Standing): void {
    const { context, layout } = this.#host
    context.setKey(layout.spaces[plan.space], slot)
    const { openedMs, nowMs } = standing
    let alert = this.#bySlot[plan.index].get(slot)
    if (!alert) {
      if (this.#isFull(plan)) return
      alert = this.#add(plan, slot, { severity: plan.severity, nowMs: openedMs, source: standing.source })
      alert.episodeOpen = false
      alert.closesAtMs = alert.cooldownUntilMs
      alert.window = { start: Number(standing.evidence.events[0].event_time), end: openedMs }
      alert.evidence = boundedEvidence(standing.evidence)
      alert.isTruncated = alert.evidence !== standing.evidence
      this.#explain(plan, alert)
      alert.coverage = standing.coverage
      this.#record(plan, alert, 'open', nowMs)
      if (plan.rule.cooldownMs === 0) this.#close(plan, slot, alert, nowMs)
      else this.#closings.schedule(plan, slot, alert)
    } else {
      alert.lastSeenMs = openedMs
      alert.folded++
      alert.episodes++
      if (nowMs - alert.lastRecordMs >= UPDATE_EVERY_MS) this.#record(plan, alert, 'updated', nowMs)
    }
    this.#dirty.add(alert)
  }

  /** Earliest moment, in stream time, at which an alert closes unless something happens before; or Infinity. */
  nextClosingMs(): number {
    return this.#closings.nextMs()
  }

  /** Closes the alerts whose time is over. */
  closeDue(streamMs: number): void {
    while (this.#closings.nextMs() <= streamMs) {
      const { plan, slot, alert, atMs } = this.#closings.pop()
      if (alert.closesAtMs === atMs) this.#closeLater(plan, slot, alert, streamMs)
      else this.#closings.schedule(plan, slot, alert)
    }
  }

  /** Closes what is open: the end of a finite input. */
  closeAll(streamMs: number): void {
    const left = this.#host.layout.alertPlans.flatMap((plan) =>
      [...this.#bySlot[plan.index]].map(([slot, alert]) => ({ plan, slot, alert })),
    )
    for (const { plan, slot, alert } of left.sort(byTurn)) {
      this.#closeLater(plan, slot, alert, streamMs)
    }
  }

  /** Tells the host of the alerts that changed since the last time. */
  flush(): void {
    for (const alert of this.#dirty) {
      this.#host.changed(alertKey(alert), alert.status === 'closed' ? null : alertToJson(alert))
    }
    this.#dirty.clear()
  }

  /** All alerts that are not closed, in order of opening. */
  open(): Alert[] {
    return this.#bySlot.flatMap((alerts) => [...alerts.values()]).sort((a, b) => a.sequence - b.sequence)
  }

  /** Goes on with an alert of before; false when no rule of this set is its own any more. */
  restore(alert: Alert, slotOf: (plan: AlertPlan, key: Alert['key']) => number): boolean {
    const plan = this.#host.layout.alertPlans.find(
      ({ rule, violation = null }) =>
        rule.id === alert.rule && rule.version === alert.version && violation === alert.violation,
    )
    if (!plan) return false
    const slot = slotOf(plan, alert.key)
    this.#bySlot[plan.index].set(slot, alert)
    this.#openCount++
    this.#host.layout.spaces[plan.space].retainOpen(slot)
    this.#sequence = Math.max(this.#sequence, alert.sequence + 1)
    this.#closings.schedule(plan, slot, alert)
    return true
  }

  /** An alert of before whose rule is gone. */
  forget(alert: Alert): void {
    this.#host.changed(alertKey(alert), null)
  }

  /** Of the key at hand; null = the rule abstains. */
  #matches(plan: RulePlan): boolean | null {
    const { cells, base } = this.#host.context
    const result = plan.when(cells, base)
    if (result < 2) return result === 1
    plan.abstained[result - 2].value++
    return null
  }

  #isMuted(plan: AlertPlan): boolean {
    for (const mute of plan.mutes) {
      if (this.#host.context.streamMs < mute.untilMs && mute.when() === true) {
        if (this.#host.context.evaluating) mute.counter.value++
        return true
      }
    }
    return false
  }

  #fire(plan: RulePlan, slot: number, occasion: Occasion): void {
    let alert = this.#bySlot[plan.index].get(slot)
    const severity = severityOf(plan)
    if (!alert) {
      if (this.#isFull(plan)) return
      alert = this.#openAlert(plan, slot, severity, occasion)
      this.#countSuspects(plan, slot, alert, occasion)
      this.#record(plan, alert, 'open', occasion.nowMs)
    } else {
      alert.lastSeenMs = occasion.nowMs
      if (occasion.arrival) alert.folded++
      if (!alert.episodeOpen) {
        alert.episodeOpen = true
        alert.episodes++
      }
      alert.closesAtMs = Number.POSITIVE_INFINITY
      this.#countSuspects(plan, slot, alert, occasion)
      if (severity > alert.severity) {
        alert.severity = severity
        this.#measure(plan, slot, alert, occasion.nowMs)
        this.#record(plan, alert, 'updated', occasion.nowMs)
      } else if (occasion.arrival && occasion.nowMs - alert.lastRecordMs >= UPDATE_EVERY_MS) {
        this.#record(plan, alert, 'updated', occasion.nowMs)
      }
    }
    this.#dirty.add(alert)
    if (plan.rule.evaluate === 'arrival') {
      alert.closesAtMs = occasion.nowMs + plan.rule.cooldownMs
      if (plan.rule.cooldownMs === 0) this.#close(plan, slot, alert, occasion.nowMs)
      else this.#closings.schedule(plan, slot, alert)
    } else if (alert.revision === 0) this.#closings.schedule(plan, slot, alert)
  }

  #openAlert(plan: RulePlan, slot: number, severity: number, { row, nowMs }: Occasion): Alert {
    const alert = this.#add(plan, slot, { severity, nowMs, source: this.#host.events.source(row) })
    alert.suspects = plan.rule.suspects ? new Suspects() : null
    this.#measure(plan, slot, alert, nowMs)
    return alert
  }

  /** A new alert, with an open episode, about which nothing has been taken down yet. */
  #add(
    plan: AlertPlan,
    slot: number,
    { severity, nowMs, source }: { severity: number; nowMs: number; source: SourcePosition },
  ): Alert {
    const opening = { key: this.#key(plan), nowMs, source, severity, sequence: this.#sequence++ }
    const alert = newAlert(plan.rule, plan.violation ?? null, opening)
    this.#bySlot[plan.index].set(slot, alert)
    this.#openCount++
    this.#host.layout.spaces[plan.space].retainOpen(slot)
    return alert
  }

  /** Takes down what the opening, or a rise in severity, looked like. */
  #measure(plan: RulePlan, slot: number, alert: Alert, nowMs: number): void {
    const { events } = this.#host
    const { startMs, afterMs } = windowAt(plan, nowMs)
    const found = events.evidence(plan, slot, { nowMs, startMs: afterMs }, plan.total() as number)
    const measures = this.#measuresNow(plan)
    alert.measures = boundedMeasures(measures)
    alert.window = { start: startMs, end: nowMs }
    alert.evidence = found?.evidence ?? null
    alert.isTruncated = found?.isCut === true || alert.measures !== measures
    this.#explain(plan, alert)
    alert.coverage = this.#host.coverage(plan, nowMs)
  }

  #explain(plan: RulePlan | StandingPlan, alert: Alert): void {
    const text = plan.explain()
    alert.explain = cutText(text, EXPLAIN_CHARS_MAX)
    if (alert.explain !== text) alert.isTruncated = true
  }

  /** Each arrival is evaluated: when all before it is counted, only itself is left. */
  #countSuspects(plan: RulePlan, slot: number, alert: Alert, { arrival, row, nowMs }: Occasion): void {
    if (!alert.suspects) return
    const { events } = this.#host
    const moment = { nowMs, startMs: windowAt(plan, nowMs).afterMs }
    if (!alert.countsAll) events.countSuspects(plan, slot, moment, alert.suspects, alert.countedEntry, alert.countedMs)
    else if (arrival) events.countSuspect(plan, row, moment, alert.suspects)
    if (alert.suspects.isCut) alert.suspectsCut = true
    alert.countsAll = true
    alert.countedEntry = this.#host.newestEntry(plan.clock)
    alert.countedMs = nowMs
  }

  #endEpisode(plan: RulePlan, slot: number, alert: Alert, occasion: Occasion): void {
    alert.episodeOpen = false
    alert.closesAtMs = Math.max(occasion.nowMs, alert.cooldownUntilMs)
    this.#dirty.add(alert)
    if (occasion.arrival && alert.closesAtMs <= occasion.nowMs) this.#close(plan, slot, alert, occasion.nowMs)
    else this.#closings.schedule(plan, slot, alert)
  }

  #isFull(plan: AlertPlan): boolean {
    if (this.#openCount < this.#host.openMax) return false
    plan.alertsRefused.value++
    return true
  }

  /** An event that arrived is not counted, unless a later window holds it. */
  #leaveOut(plan: RulePlan, slot: number): void {
    const alert = this.#bySlot[plan.index].get(slot)
    if (!alert?.countsAll) return
    alert.countsAll = false
    this.#dirty.add(alert)
  }

  /** Closes it apart from any evaluation of its key: prior values are those of now. */
  #closeLater(plan: AlertPlan, slot: number, alert: Alert, streamMs: number): void {
    const { context, layout } = this.#host
    context.setKey(layout.spaces[plan.space], slot)
    if ('priors' in plan) for (const prior of (plan as RulePlan).priors) prior.value = prior.read()
    this.#close(plan, slot, alert, streamMs - plan.rule.settleMs)
  }

  #close(plan: AlertPlan, slot: number, alert: Alert, nowMs: number): void {
    alert.episodeOpen = false
    this.#record(plan, alert, 'closed', nowMs)
    this.#bySlot[plan.index].delete(slot)
    this.#openCount--
    this.#closings.forget(alert)
    const space = this.#host.layout.spaces[plan.space]
    if (space.releaseOpen(slot)) this.#host.idle(plan.space, slot)
    this.#dirty.add(alert)
  }

  #record(plan: AlertPlan, alert: Alert, status: AlertRecord['status'], nowMs: number): void {
    alert.revision++
    alert.status = status
    alert.lastRecordMs = nowMs
    const now = status === 'open' || !('measures' in plan) ? null : this.#now(plan as RulePlan, alert)
    const record = alertRecord(plan.rule, alert, nowMs, now)
    if (record.truncated && this.#host.context.evaluating) plan.outputsCut.value++
    this.#host.emit(record)
  }

  /** Of the key at hand. */
  #now(plan: RulePlan, alert: Alert): AlertNow {
    const text = alert.status === 'closed' ? plan.explainAtClose() : plan.explain()
    const all = this.#measuresNow(plan)
    const now = { measures: boundedMeasures(all), explain: cutText(text, EXPLAIN_CHARS_MAX) }
    if (now.measures !== all || now.explain !== text) alert.isTruncated = true
    return now
  }

  #key(plan: AlertPlan): Record<string, Cell> {
    return Object.fromEntries(plan.rule.by.map((name, i) => [name, plan.key[i]() as Cell]))
  }

  #measuresNow(plan: RulePlan): Record<string, MeasureValue> {
    return Object.fromEntries(plan.measures.map(({ name, read }) => [name, read() ?? null]))
  }

  #emitMeasures(plan: RulePlan, row: number, matched: boolean | null): void {
    const { context, events } = this.#host
    this.#host.emit({
      kind: 'measures',
      rule: plan.rule.id,
      key: this.#key(plan),
      event_id: events.eventId(row),
      event_time: context.chunk.timesMs[context.at],
      measures: this.#measuresNow(plan),
      matched,
    })
  }
}

/** Where the rule's own window begins, and the last moment that is not in it. */
function windowAt({ rule, ownTumbling }: RulePlan, nowMs: number): { startMs: number; afterMs: number } {
  if (ownTumbling) return { startMs: ownTumbling.startMs, afterMs: ownTumbling.startMs - 1 }
  return { startMs: nowMs - rule.windowMs, afterMs: nowMs - rule.windowMs }
}

function severityOf(plan: RulePlan): number {
  for (const { rank, when } of plan.severities) if (when === null || when() === true) return rank
  return plan.severities.at(-1)?.rank ?? 0
}
