/**
 * The service as a process of its own, to be killed: `node --import tsx crash-child.ts '{"brokers":[…],"name":"…","rules":[…],"instance":""}'`.
 * Prints `ready` when it consumes, ends in order on SIGTERM, and at once when whoever started it is gone (its standard
 * input ends).
 */
import type { RuleSource } from '../../model/block.ts'
import { Counters } from '../../model/counters.ts'
import { kafkaService } from '../service-kafka.ts'
import { configFor } from './harness.ts'

const { brokers, name, rules, instance } = JSON.parse(process.argv[2]) as {
  brokers: string[]
  name: string
  rules: RuleSource[]
  instance: string
}
const say = (fields: object, message: string) => console.log(`${message} ${JSON.stringify(fields)}`)
const log = { debug() {}, info: say, warn: say, error: say }
const counters = new Counters()
const shared = configFor(brokers, name)
const config = { ...shared, data: `${shared.data}${instance}` }
const service = kafkaService(config, { ruleFiles: rules, counters, log, sessionTimeoutMs: 1_500 })
service.start()

const watch = setInterval(() => {
  if (!service.ready().ok) return
  console.log('ready')
  clearInterval(watch)
}, 20)
process.stdin.on('end', () => process.exit(1)).resume()
process.on('SIGTERM', () => {
  void service.stop().then(() => {
    const shown = [...counters.all()].filter(({ value }) => value > 0)
    console.log(`counters ${JSON.stringify(Object.fromEntries(shown.map((c) => [c.name, c.value])))}`)
    process.exit(0)
  })
})
