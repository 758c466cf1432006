/** What each metric counts, by its name without prefix. */
const HELP: Readonly<Record<string, string>> = {
  events_total: 'Events read and taken: neither late nor repeated',
  late_total: 'Events dropped because they were behind stream time by more than the lateness of their stream',
  duplicate_ids_total: 'Events dropped because their id was read within the dedupe span of their stream',
  duplicate_offsets_total: 'Events dropped because their place in the source had been read before',
  out_of_range_total: 'Numbers taken for null because they do not fit the fixed-point range of their field',
  null_keys_total: 'Events that a rule or ranking skipped because a part of its key was null',
  missed_windows_total: 'Events within the lateness but too old for every window of a rule',
  abstained_total: 'Evaluations in which a rule abstained, by reason',
  muted_total: 'Evaluations that were true and silenced by an exception of the rule',
  excepted_events_total: 'Events that an exception of a rule dropped',
  rule_sets_refused_total: 'Rule sets in the log that no longer compile; the one before stays in force',
  alerts_total: 'Alerts opened, by rule and severity',
  alert_records_total: 'Alert records committed, by status',
  rankings_total: 'Rankings committed',
  commits_total: 'Commits of the task',
  commit_retries_total: 'Further attempts to commit after a failure that may pass',
  trimmed_records_total: 'Records deleted from the local log because no window needs them any more',
  trimmed_outputs_total: 'Outputs deleted from the local log because of their age',
  stream_time_lag_seconds: 'Wall clock minus stream time',
  open_alerts: 'Alerts that are open',
  held_events: 'Events held in memory for the windows',
  log_position: 'Position of the last committed record of the log',
  log_end_position: 'Position of the newest record of the log',
  rules: 'Rules and rankings in force',
  alert_latency_seconds:
    'From the append of a record to the commit of the alerts it made, an upper bound; without records of history',
  dead_letters_total: 'Records that went to the dead-letter topic, by reason',
  dead_letter_values_dropped_total: 'Dead letters whose bytes were too large to be kept',
  exchange_gaps_total: 'Times that a task found records missing in its exchange partition',
  source_gap_records_total: 'Records of a source that were deleted before they were read',
  router_blocks_total: 'Blocks written to exchange topics',
  router_events_total: 'Events written to exchange topics',
  router_marks_total: 'Marks written to exchange topics',
  task_commits_total: 'Transactions committed by tasks',
  task_fences_total: 'Transactions refused because another instance had taken the partition',
  task_outputs_total: 'Outputs committed by tasks',
  task_rebuilds_total: 'Tasks rebuilt from their exchange partition',
}

export function helpOf(name: string): string {
  return HELP[name] ?? name.replace(/_total$/, '').replaceAll('_', ' ')
}
