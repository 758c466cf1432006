/** Where an engine says what happens, in pino's order of arguments; `pino()` fits as it is. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** One number that goes up and down, read when somebody asks for it. Names are snake_case without prefix. */
export interface Gauge {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
