import { DEFINITION_KEYS, DEFINITION_REQUIRED, ON } from './common.ts'
import { FEATURE_BY_MAX } from './limits.ts'
import { FEATURE_MEASURE_MAP, WINDOW } from './measures.ts'
import { described, duration, type Keys, names, text } from './schema.ts'

const { mode: _, settle: __, ...COMMON } = DEFINITION_KEYS

export const FEATURE_KEYS: Keys = {
  feature: described('The id, in snake_case: rules read it as features.id[key].measure.', text),
  ...COMMON,
  on: ON,
  by: described(
    'The field or let that it is read by, one. An event in which it is null is skipped, and counted.',
    names(FEATURE_BY_MAX),
  ),
  window: WINDOW,
  measure: FEATURE_MEASURE_MAP,
  every: described('How often changed keys are published, such as 1m: at multiples of it, in stream time.', duration),
}

export const FEATURE_REQUIRED = ['feature', ...DEFINITION_REQUIRED, 'on', 'by', 'window', 'measure', 'every']
