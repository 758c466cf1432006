import { z } from 'zod'
import type { PutRules } from '../../model/control.ts'

/** Records of a group's control topic: compacted, so each key has one that counts. Others may write there, too. */

/** What an engine says of a rule set. Key `answer`. */
export interface Answer {
  /** `textHash` of its files. */
  readonly hash: string
  /** Every fault, where it was refused. */
  readonly refused: string | null
}

export interface ControlState {
  /** The rule set that engines of a group are to run. Key `rules`. */
  readonly rules: PutRules | null
  readonly answer: Answer | null
}

const KEY_SHOWN_MAX = 40
/** The last moment that a Date has. */
const MS_MAX = 8.64e15

const file = z.object({
  path: z.string(),
  text: z.string(),
  data: z.literal(true).optional(),
  runs: z.enum(['here', 'elsewhere']).optional(),
})
const shapes = {
  rules: z.object({
    files: z.array(file),
    configured: z.string().nullable(),
    atMs: z.number().min(0).max(MS_MAX),
  }),
  answer: z.object({ hash: z.string(), refused: z.string().nullable() }),
}

/** What a record says, or why it is none of this topic's. */
export function readRulesRecord(key: Buffer | null, value: Buffer): Partial<ControlState> | string {
  const name = key === null ? null : String(key)
  if (name !== 'rules' && name !== 'answer') return name === null ? 'no key' : `unknown key ${shown(name)}`
  let json: unknown
  try {
    json = JSON.parse(String(value))
  } catch {
    return `${name}: not JSON`
  }
  const { data, error } = shapes[name].safeParse(json)
  if (data) return { [name]: data } as Partial<ControlState>
  const [{ path, message }] = error.issues
  return `${[name, ...path].join('.')}: ${message}`
}

/** In quotes, printable, and not longer than fits. */
function shown(name: string): string {
  return JSON.stringify(name.length > KEY_SHOWN_MAX ? `${name.slice(0, KEY_SHOWN_MAX)}…` : name)
}
