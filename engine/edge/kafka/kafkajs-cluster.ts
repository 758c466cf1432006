import type { Kafka } from 'kafkajs'

type CreateCluster<C> = (options: object) => C

/** How this client makes its clusters, which is internal to kafkajs (2.2.4, pinned). Error where it has no such thing. */
export function clusterMaker<C>(kafka: Kafka): { make: CreateCluster<C>; replace(make: CreateCluster<C>): void } {
  const inside = kafka as unknown as Record<symbol, CreateCluster<C>>
  const symbol = Object.getOwnPropertySymbols(kafka).find((s) => s.description === 'private:Kafka:createCluster')
  if (!symbol) throw new Error('this kafkajs shows no cluster: it must be 2.2.4')
  const replace = (make: CreateCluster<C>): void => {
    inside[symbol] = make
  }
  return { make: inside[symbol], replace }
}
