import { Prng } from '../../engine/kit/prng.ts'

/** What trips readers: YAML's marks, odd numbers, odd characters, pieces of rules and expressions. */
const PIECES = [
  ...['{', '}', '[', ']', ': ', ' #', '"', "'", '!', '&a ', '*a', '|', '>', '- ', '? ', '\n', '\t', '\r\n', '---\n'],
  ...['@', '%', '0', '-1', '1e309', '31d', 'null', 'true', '店', '🙂', '\ufffd', '\ud800', '\u0000', '\ufeff'],
  ...['{n}', '&&', ' = ', '..', '(', ')', '\\', ' ? 1 : 2', 'event.', 'key: ', '<<: ', '.matches("(a+)+$")'],
]

/** The i-th broken copy that belongs to a seed: depends on nothing else. */
export function mutant(texts: readonly string[], seed: number, i: number): string {
  const random = new Prng(Math.imul(seed, 0x9e3779b1) ^ i)
  let out = texts[random.int(texts.length)]
  for (let k = 1 + random.int(3); k > 0; k--) out = mutate(out, texts, random)
  return out
}

function mutate(text: string, texts: readonly string[], random: Prng): string {
  const at = random.int(text.length + 1)
  const length = random.int(12)
  const piece = PIECES[random.int(PIECES.length)]
  switch (random.int(9)) {
    case 0:
      return text.slice(0, at) + text.slice(at + length)
    case 1:
      return text.slice(0, at) + piece + text.slice(at)
    case 2:
      return text.slice(0, at) + piece + text.slice(at + 1 + length)
    case 3:
      return text.slice(0, at) + text.slice(at, at + length * 8) + text.slice(at)
    case 4:
      return moveLine(text, random)
    case 5:
      return text.slice(0, at)
    default:
      return otherWord(text, at, texts[random.int(texts.length)], random)
  }
}

/** The word at or after `at` becomes one of `source`: such copies get past YAML, to names, types and values. */
function otherWord(text: string, at: number, source: string, random: Prng): string {
  const words = source.match(/[\w.]+/g)!
  return text.slice(0, at) + text.slice(at).replace(/[\w.]+/, () => words[random.int(words.length)])
}

function moveLine(text: string, random: Prng): string {
  const lines = text.split('\n')
  const line = random.int(lines.length)
  if (random.next() < 0.5) lines.splice(line, 1)
  else lines.splice(line, 0, lines[random.int(lines.length)])
  return lines.join('\n')
}
