/** How a source names and writes what the fields of a stream hold. */
export interface Mapping {
  /** Name in the source -> field. */
  readonly columns: Readonly<Record<string, string>>
  /** Word in the type field -> event type. */
  readonly types: Readonly<Record<string, string>>
  readonly numbers: NumberForm | null
  readonly trueWords: readonly string[]
  readonly falseWords: readonly string[]
  readonly nullWords: readonly string[]
}

/** How numbers are written where they are texts. */
export interface NumberForm {
  /** Stands between groups of three digits; empty: nothing does. */
  readonly thousands: string
  readonly decimal: string
  /** Characters that say nothing, such as signs of a currency. */
  readonly strip: string
}

/**
 * Reads numbers of a form: gives `1234.50` for `¥1,234.50`, and null for what is not written that way, such as `1,5`
 * where the comma stands between thousands.
 */
export function numberReader({ thousands, decimal, strip }: NumberForm): (text: string) => string | null {
  const [group, point] = [quoted(thousands), quoted(decimal)]
  const whole = thousands === '' ? '\\d+' : `\\d{1,3}(?:${group}\\d{3})+|\\d+`
  const form = new RegExp(`^([+-]?)(${whole}|(?=${point}\\d))(?:${point}(\\d+))?$`)
  const stripped = new Set(strip)
  const plain = decimal === '.' ? /^\d+(?:\.\d+)?$/ : /^\d+$/
  return (text) => {
    if (plain.test(text)) return text
    const bare =
      strip === ''
        ? text.trim()
        : [...text]
            .filter((c) => !stripped.has(c))
            .join('')
            .trim()
    const found = form.exec(bare)
    if (!found) return null
    const [, sign, digits, fraction] = found
    const bareDigits = thousands === '' ? digits! : digits!.replaceAll(thousands, '')
    return `${sign}${bareDigits || '0'}${fraction === undefined ? '' : `.${fraction}`}`
  }
}

function quoted(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')
}
