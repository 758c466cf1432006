import { own } from '../kit/own.ts'

type Keys = Readonly<Record<string, unknown>>

/**
 * The streams of a file over those that ship. One that ships keeps its defaults for the keys that the file leaves out. If
 * the file names none of its own, those that ship and are not named stay as well; null takes one away.
 */
export function streamsOver(shipped: Readonly<Record<string, Keys>>, named: Keys): Record<string, unknown> {
  const names = Object.keys(named)
  const areShipped = names.length > 0 && names.every((name) => Object.hasOwn(shipped, name))
  const all = { ...(areShipped && shipped), ...named }
  const kept = Object.entries(all).filter(([name, stream]) => stream !== null || !Object.hasOwn(shipped, name))
  return Object.fromEntries(
    kept.map(([name, stream]) => [name, Object.hasOwn(named, name) ? streamOver(own(shipped, name), stream) : stream]),
  )
}

/** Defaults that lean on a key go where that key is given: what is then right follows from it. */
function streamOver(shipped: Keys | undefined, named: unknown): unknown {
  if (!shipped || typeof named !== 'object' || named === null || Array.isArray(named)) return named
  const { max_ahead, types, ...rest } = shipped
  const { lateness, type } = named as Keys
  return {
    ...rest,
    ...(lateness === undefined && max_ahead !== undefined && { max_ahead }),
    ...(typeof type !== 'object' && { types }),
    ...named,
  }
}
