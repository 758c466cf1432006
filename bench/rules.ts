import type { RuleSource } from '../engine/model/block.ts'

/**
 * Ten rules with fourteen running measures over shop, buyer, device and pair. `scale` multiplies the thresholds: longer
 * windows hold more.
 */
export function tenRules(window = '1m', long = '5m', scale = 1): RuleSource[] {
  const head = (id: string, by: string) =>
    `rule: ${id}\nversion: 1\ntitle: ${id}\nowner: bench\non: order.created\nby: [${by}]\nwindow: ${window}\n`
  const rule = (id: string, by: string, measures: string, when: string) =>
    `${head(id, by)}measure:\n${measures}\nwhen: ${when}\nseverity: high\nalert: { cooldown: 10m }\n`
  const [many, some] = [100_000 * scale, 5_000 * scale]
  const files = [
    rule(
      'shop_concentration',
      'shop_id',
      '  orders: { count: events }\n  buyers: { distinct: buyer_id }\n  ratio: { ratio: [orders, buyers], at_least: { orders: 2000 } }',
      `ratio >= ${50 * scale}`,
    ),
    rule('shop_amount', 'shop_id', '  total: { sum: amount }', `total > ${100_000_000 * scale}`),
    rule(
      'shop_long',
      'shop_id',
      `  orders: { count: events, window: ${long} }\n  recent: { count: events }`,
      `recent > 0.9 * orders && orders > ${many}`,
    ),
    rule(
      'shop_devices',
      'shop_id',
      '  devices: { distinct: device_id }\n  orders: { count: events }',
      `devices > 0 && orders / devices > ${some}`,
    ),
    rule('buyer_burst', 'buyer_id', '  orders: { count: events }', `orders > ${many}`),
    rule('buyer_shops', 'buyer_id', '  shops: { distinct: shop_id }', `shops > ${some}`),
    rule(
      'buyer_amount',
      'buyer_id',
      `  total: { sum: amount }\n  usual: { avg: amount, window: ${long} }`,
      `total > ${10_000_000 * scale} && usual > 1`,
    ),
    rule('device_burst', 'device_id', '  buyers: { distinct: buyer_id }', `buyers > ${some}`),
    rule(
      'device_orders',
      'device_id',
      '  orders: { count: events }\n  top: { max: amount }',
      `orders > ${many} && top > 1`,
    ),
    rule('buyer_cheap', 'buyer_id', '  cheap: { count: events, where: event.amount < 10 }', `cheap > ${many}`),
  ]
  return files.map((text, i) => ({ path: `bench-${i}.yaml`, text }))
}

/**
 * Rules by the dozen, as a platform has them: bursts, brushing and ratios over shop, buyer, device and pair, in four
 * window lengths, each with thresholds of its own. Rules that ask for the same measure share it.
 */
export function manyRules(count: number): RuleSource[] {
  const windows = ['1m', '2m', '5m', '10m']
  return Array.from({ length: count }, (_, i) => {
    const window = windows[i % windows.length]
    const by = ['shop_id', 'buyer_id', 'device_id', 'pair'][(i >> 2) % 4]
    const other = by === 'buyer_id' || by === 'pair' ? 'item_id' : 'buyer_id'
    const high = 100_000 + i
    const [measures, when] = [
      ['  orders: { count: events }', `orders > ${high}`],
      [
        `  orders: { count: events }\n  others: { distinct: ${other} }\n  each: { ratio: [orders, others], at_least: { orders: ${2000 + i} } }`,
        'each >= 50',
      ],
      ['  total: { sum: amount }\n  orders: { count: events }', `total > ${high}000 && orders > ${high}`],
      [
        '  cheap: { count: events, where: event.amount < 10 }\n  orders: { count: events }',
        `cheap > 0.9 * orders && orders > ${high}`,
      ],
    ][(i >> 4) % 4]
    const text = `rule: many_${i}\nversion: 1\ntitle: rule ${i}\nowner: bench\non: order.created\nlet: { pair: "unordered(event.shop_id, event.buyer_id)" }\nby: [${by}]\nwindow: ${window}\nmeasure:\n${measures}\nwhen: ${when}\nseverity: high\nalert: { cooldown: 10m }\n`
    return { path: `many-${i}.yaml`, text }
  })
}
