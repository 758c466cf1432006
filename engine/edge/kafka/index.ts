export type { KafkaConnection } from './client.ts'
export type { Gauge } from './gauges.ts'
export type { Logger } from './log.ts'
export type { Decoder, Encoder, TaskKeep } from './ports.ts'
