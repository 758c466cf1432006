/** How much of everything a rule file may have. */

export const EXPRESSION_LENGTH_MAX = 2_000
export const TYPES_MAX = 64
export const LETS_MAX = 64
export const PARAMS_MAX = 64
/** Fields that make a key. */
export const BY_MAX = 8
/** What a feature is read by. */
export const FEATURE_BY_MAX = 1
export const MEASURES_MAX = 64
export const EXCEPTIONS_MAX = 64
export const SUSPECTS_MAX = 100
/** Events that an alert stores. */
export const EVIDENCE_MAX = 1_000

/** Values of a `top` measure. */
export const TOP_MAX = 100
/** Points of a baseline. */
export const BASELINE_STEPS_MAX = 1_000
export const LOWER_BOUND_MIN = 0.5
export const RATIO_PARTS = 2

export const SEQUENCE_STEPS_MAX = 32
/** Violations, and matches. */
export const NAMED_MAX = 32
export const MATCH_STEPS_MAX = 16

export const RANKING_LIMIT_MAX = 10_000
export const PER_MAX = 8
export const WEIGHT_MAX = 1_000_000
export const CAP_POINTS_MAX = 1e9
export const COLUMNS_MAX = 16
/** Rankings that a column looks back over. */
export const COLUMN_STEPS_MAX = 1_000

/** Items that a list names in its file. */
export const ITEMS_MAX = 10_000

export const TESTS_MAX = 1_000
export const TEST_EVENTS_MAX = 100_000
/** In the tests of one definition that stand together. */
export const ALL_TEST_EVENTS_MAX = 1_000_000
/** What a test may count. */
export const COUNT_MAX = 1e9
