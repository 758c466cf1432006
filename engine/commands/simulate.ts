import { closeSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { type Config, type KafkaConfig, loadConfig } from '../config.ts'
import { JsonLinesWriter } from '../edge/files/write.ts'
import { systemText } from '../kit/system-error.ts'
import { EngineError } from '../model/errors.ts'
import { HONEST, SCENARIOS, type Scenario, type TrafficEvent } from '../traffic/event.ts'
import { Traffic } from '../traffic/traffic.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { configOption, jsonAlways, oneOf, positiveNumber, rateNumber, type Verb, wholeNumber } from './options.ts'
import { serviceLogger, signalled } from './service/serve.ts'

const START_MS = Date.UTC(2026, 0, 1)
const SLICE_MS = 100
const CHUNK_MS = 10_000

interface SimulateOptions {
  readonly config?: string
  readonly scenario: Scenario
  readonly seed: number
  readonly rate: number
  readonly minutes?: number
  readonly labels?: string
  readonly send?: boolean
}

export function addSimulate(program: Command, verb: Verb): void {
  program
    .command('simulate')
    .description('labelled traffic of a trading platform: JSON lines on standard output, or live to Kafka')
    .addOption(oneOf('--scenario <name>', 'what is hidden in normal traffic', [...SCENARIOS].reverse()))
    .option('--seed <number>', 'the same seed gives the same events', wholeNumber, 7)
    .option('--rate <orders>', 'normal orders in a second, such as 20 or 5k; each brings some 13 events', rateNumber, 5)
    .option('--minutes <minutes>', 'how much event time (default: 60; with --send until Ctrl-C)', positiveNumber)
    .option(
      '--labels <file>',
      'write event_id,label,group as CSV; label: 0 = good, else the scenario; group: which ring, burst, crowd',
    )
    .option('--send', 'produce to the Kafka of the configuration, in real time')
    .addOption(configOption())
    .addOption(jsonAlways())
    .action(verb(simulate))
}

async function simulate(options: SimulateOptions): Promise<ExitCode> {
  const { send, minutes = send ? Number.POSITIVE_INFINITY : 60 } = options
  const startMs = send ? Date.now() : START_MS
  const { seed, rate, scenario } = options
  const traffic = new Traffic({ seed, startMs, ordersPerSecond: rate, scenario })
  const labels = options.labels === undefined ? null : openFile(options.labels, 'event_id,label,group\n')
  const note = (events: readonly TrafficEvent[]): void => {
    if (labels !== null) writeFile(labels, events.map(labelLine).join(''))
  }
  const endMs = startMs + minutes * 60_000
  if (send) await produce(traffic, loadConfig({ path: options.config, env: process.env }), endMs, note)
  else await print(traffic, startMs, endMs, note)
  if (labels !== null) closeSync(labels.file)
  return EXIT.fine
}

interface OpenFile {
  readonly path: string
  readonly file: number
}

/** EngineError INPUT_MISSING when the file cannot be written. */
function openFile(path: string, head: string): OpenFile {
  try {
    const opened = { path, file: openSync(path, 'w') }
    writeFile(opened, head)
    return opened
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `${path} cannot be written: ${systemText(error)}`, error)
  }
}

function writeFile({ path, file }: OpenFile, text: string): void {
  try {
    writeSync(file, text)
  } catch (error) {
    throw new EngineError('INPUT_MISSING', `${path} cannot be written: ${systemText(error)}`, error)
  }
}

type Note = (events: readonly TrafficEvent[]) => void

async function print(traffic: Traffic, startMs: number, endMs: number, note: Note): Promise<void> {
  const out = new JsonLinesWriter(process.stdout)
  for (let untilMs = startMs; untilMs < endMs && !out.broken; ) {
    untilMs = Math.min(endMs, untilMs + CHUNK_MS)
    const events = traffic.events(untilMs)
    note(events)
    await out.write(events.map(record))
  }
  await out.flush()
}

function labelLine({ event_id, label }: TrafficEvent): string {
  return `${event_id},${label && !HONEST.includes(label.scenario) ? label.scenario : 0},${label?.id ?? ''}\n`
}

/** What a platform would send: without the label. */
function record({ label: _label, stream: _stream, ...fields }: TrafficEvent): Record<string, string | number | null> {
  return fields
}

async function produce(traffic: Traffic, config: Config, endMs: number, note: Note): Promise<void> {
  if (config.log.kind !== 'kafka')
    throw new EngineError('USAGE', '--send needs a configuration with log: { kind: kafka, … }')
  for (const { name, format } of config.streams)
    if (format !== undefined)
      throw new EngineError('USAGE', `--send writes Avro; stream "${name}" is read as ${format}`)
  const { EventSender } = await import('../edge/kafka/event-sender.ts')
  const { ConfluentSchemas } = await import('../edge/registry/schemas.ts')
  const { EventEncoder } = await import('../edge/registry/record-encoder.ts')
  const schemas = config.registry === null ? null : new ConfluentSchemas(config.registry)
  const lanes = new Map<string, { topic: string; encoder: InstanceType<typeof EventEncoder> }>()
  for (const stream of config.streams) {
    const id = schemas ? await schemas.register(stream.topic, stream.avro) : 0
    lanes.set(stream.name, { topic: stream.topic, encoder: new EventEncoder(stream, id) })
  }
  const sender = await EventSender.open(config.log as KafkaConfig, serviceLogger())
  let stopped = false
  void signalled().then(() => {
    stopped = true
  })
  let sent = 0
  while (!stopped && Date.now() < endMs) {
    const events = traffic.events(Date.now())
    note(events)
    await sender.send(
      events.flatMap((event) => {
        const lane = lanes.get(event.stream)
        const key = event.stream === 'transactions' ? event.buyer_id : event.user_id
        return lane ? [{ topic: lane.topic, key, value: lane.encoder.encodeEvent(record(event)) }] : []
      }),
    )
    sent += events.length
    await sleep(SLICE_MS)
  }
  await sender.close()
  process.stderr.write(`${sent} events sent\n`)
}
