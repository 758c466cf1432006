/** One number that goes up and down, read when somebody asks for it. */
export interface Gauge {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}
