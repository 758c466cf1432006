import type { Kafka } from 'kafkajs'
import { clusterMaker } from '../kafkajs-cluster.ts'
import { encodeProduce, type ProduceRequest } from './encode.ts'

interface Sent {
  readonly request: { readonly apiVersion: number; readonly encode: () => Promise<unknown> }
}
interface Broker {
  readonly connectionPool: { send(sent: Sent): Promise<unknown> }
  produce(request: ProduceRequest): Promise<unknown>
}
interface Cluster {
  readonly brokerPool: { createBroker: (options: object) => Broker }
}

/** The first version whose records are batches of magic 2. */
const VERSION_MIN = 3

/**
 * Has the producers of a client write their records with `encodeProduce`. All else of them stays kafkajs's: metadata,
 * partitions, sequence numbers, transactions, retries, answers.
 */
export function withOwnEncoder(kafka: Kafka): Kafka {
  const { make, replace } = clusterMaker<Cluster>(kafka)
  replace((options) => {
    const cluster = make(options)
    const { brokerPool } = cluster
    const { createBroker } = brokerPool
    brokerPool.createBroker = (place) => encodingAnew(createBroker(place))
    return cluster
  })
  return kafka
}

/** The request is kafkajs's but for its body. */
function encodingAnew(broker: Broker): Broker {
  const { produce } = broker
  broker.produce = (request) => {
    const send = (sent: Sent): Promise<unknown> => {
      if (sent.request.apiVersion < VERSION_MIN) return broker.connectionPool.send(sent)
      const encode = async (): Promise<object> => {
        const buffer = encodeProduce(request, Date.now())
        return { buf: buffer, buffer }
      }
      return broker.connectionPool.send({ ...sent, request: { ...sent.request, encode } })
    }
    const connectionPool = Object.create(broker.connectionPool, { send: { value: send } })
    return produce.call(Object.create(broker, { connectionPool: { value: connectionPool } }), request)
  }
  return broker
}
