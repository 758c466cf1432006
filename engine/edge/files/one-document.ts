/**
 * Finds out from its first lines that an input is one JSON array, or has objects over several lines, where each object
 * must stand in a line of its own.
 */
export class OneDocument {
  #lines = 0
  #begun: number | null = null

  /**
   * What is wrong with the whole input, and from which line on; null: nothing. To be asked of each line that is not blank;
   * `parsed` is undefined where it is no JSON by itself.
   */
  look(text: string, line: number, parsed: unknown): { line: number; what: string } | null {
    this.#lines += 1
    if (this.#lines > 2) return null
    const start = text.trimStart()[0]
    if (this.#lines === 2) {
      if (this.#begun === null || start === '{' || parsed !== undefined) return null
      return { line: this.#begun, what: `an object goes on over several lines: ${WAY_OUT} jq -c . FILE` }
    }
    if (parsed === undefined && start === '{') this.#begun = line
    const isArray = start === '[' && (parsed === undefined || (parsed as unknown[]).some(isObject))
    return isArray ? { line, what: `the input is one JSON array: ${WAY_OUT} jq -c '.[]' FILE` } : null
  }
}

const WAY_OUT = 'give each object a line of its own, as does'

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
