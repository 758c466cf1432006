import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { systemText } from '../kit/system-error.ts'
import { EngineError } from './errors.ts'

const SHOWN = '***'

/**
 * A password or token: no dump, JSON or template shows it. It is read each time it is used, so a file may change while the
 * engine runs.
 */
export class Secret {
  readonly #read: () => string

  private constructor(read: () => string) {
    this.#read = read
  }

  static ofText(text: string): Secret {
    return new Secret(() => text)
  }

  /** Line ends at the end of the file are not part of it. `key`: where the configuration names the file. */
  static inFile(key: string, path: string): Secret {
    return new Secret(() => {
      const text = readNamed(key, path)
        .toString()
        .replace(/[\r\n]+$/, '')
      if (text === '') throw new EngineError('INPUT_MISSING', `${key}: ${path}: it is empty`)
      return text
    })
  }

  static inVariable(key: string, name: string, env: Readonly<Record<string, string | undefined>>): Secret {
    return new Secret(() => {
      const text = env[name]
      if (text) return text
      throw new EngineError('INPUT_MISSING', `${key}: the environment variable ${name} is not set`)
    })
  }

  /** EngineError INPUT_MISSING where its file or variable has none. */
  reveal(): string {
    return this.#read()
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  [inspect.custom](): string {
    return SHOWN
  }
}

/** Contents of a file that the configuration names under `key`. EngineError INPUT_MISSING. */
export function readNamed(key: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `${key}: ${path}: ${systemText(error)}`, error)
  }
}

/** The text with what stands before the `@` of its URLs hidden. */
export function withoutUserinfo(text: string): string {
  return text.replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/]*@/gi, `$1${SHOWN}@`)
}
