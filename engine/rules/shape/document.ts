import { ID_PATTERN } from '../source/values.ts'
import { FEATURE_KEYS, FEATURE_REQUIRED } from './feature.ts'
import { LIST } from './list.ts'
import { RANKING_KEYS, RANKING_REQUIRED } from './ranking.ts'
import { RULE_KEYS, RULE_REQUIRED } from './rule.ts'
import { described, type Keys, mapping, type Schema, text } from './schema.ts'
import { SEQUENCE_MARKS, SEQUENCE_RULE_KEYS, SEQUENCE_RULE_REQUIRED } from './sequence.ts'
import { testsOf } from './tests.ts'

/** The keys that say what a document is. */
export const KINDS = ['rule', 'ranking', 'feature', 'list', 'for'] as const
export type Kind = (typeof KINDS)[number]

export const TEST_FILE_KEYS: Keys = {
  for: described('The id of the rule or ranking that the tests are about.', text),
  tests: testsOf('rule', 'sequence', 'ranking'),
}

const DEFINITIONS: Readonly<Record<string, Schema>> = {
  rule: described(
    'A rule: what is counted, by which key, over which window, and when that is an alert.',
    mapping(RULE_KEYS, RULE_REQUIRED),
  ),
  sequence: described(
    "A rule over the order of a key's events.",
    mapping(SEQUENCE_RULE_KEYS, SEQUENCE_RULE_REQUIRED, {
      anyOf: ['violations', 'matches'].map((key) => ({ required: [key], properties: { [key]: { minItems: 1 } } })),
    }),
  ),
  ranking: described(
    'A ranking: the items with the highest scores, at every step.',
    mapping(RANKING_KEYS, RANKING_REQUIRED),
  ),
  feature: described(
    'Measures that rules read, published at regular moments.',
    mapping(FEATURE_KEYS, FEATURE_REQUIRED),
  ),
  list: described('A list that rules look things up in.', LIST),
  for: described('Tests in a file of their own.', mapping(TEST_FILE_KEYS, ['for', 'tests'])),
}

/** JSON Schema of one YAML document of a rule file: `lapwing schema rule`. */
export function documentSchema(): Schema {
  const ref = (kind: string) => ({ $ref: `#/definitions/${kind}` })
  const chosen = KINDS.reduceRight<Schema>(
    (otherwise, kind) => ({
      if: { required: [kind] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: kind === 'rule' ? ruleOrSequence(ref('sequence'), ref('rule')) : ref(kind),
      else: otherwise,
    }),
    { anyOf: Object.keys(DEFINITIONS).map(ref) },
  )
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A document of a Lapwing rule file',
    type: 'object',
    properties: Object.fromEntries(KINDS.map((kind) => [kind, { pattern: ID_PATTERN.source }])),
    ...chosen,
    definitions: DEFINITIONS,
  }
}

function ruleOrSequence(sequence: Schema, rule: Schema): Schema {
  return {
    if: { anyOf: SEQUENCE_MARKS.map((key) => ({ required: [key] })) },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: sequence,
    else: rule,
  }
}

/** As it stands in `schemas/rule.schema.json`. */
export function documentSchemaText(): string {
  return `${JSON.stringify(documentSchema(), null, 2)}\n`
}
