import { documentSchemaText } from '../../rules/index.ts'

/** What `lapwing init` writes, by path. */
export const FILES: Readonly<Record<string, string>> = {
  'rules/shop_order_burst.yaml': `# yaml-language-server: $schema=../schemas/rule.schema.json
# A rule says what it counts, over which key and window, and when that is worth an alert. Its tests run on the engine
# that runs in production: lapwing test rules
rule: shop_order_burst
version: 1                       # raise it with every change of behaviour
title: A shop receives many orders from few buyers
owner: marketplace-risk
mode: live                       # live | shadow | off
on: order.created
by: [shop_id]
window: 30m                      # exact: (t - 30m, t], whenever an order enters or leaves it
params: { min_orders: 8, limit: 2 }
measure:
  orders:    { count: events }
  buyers:    { distinct: buyer_id }
  per_buyer: { ratio: [orders, buyers] }
when: orders >= params.min_orders && per_buyer >= params.limit
severity:
  - critical: per_buyer >= 2 * params.limit
  - high: otherwise
exceptions:
  - name: trusted
    when: key.shop_id in lists.trusted_shops
    apply: mute_alert
    reason: Reviewed by hand, sells to wholesalers
    until: 2099-12-31
alert:
  cooldown: 30m
  suspects: { of: buyer_id, k: 3 }
  explain: "Shop {key.shop_id}: {orders} orders from {buyers} buyers within 30 minutes"
  evidence: { events: 20, fields: [order_id, buyer_id] }
tests:
  - name: eight orders by four buyers fire once
    events:
      - { at: 0m, repeat: 8, every: 1m, type: order.created, shop_id: S1, buyer_id: "B{n % 4}", order_id: "O{n}" }
    expect: [{ at: 7m, key: { shop_id: S1 }, severity: high, measure: { orders: 8, buyers: 4 } }]
  - name: eight buyers stay quiet
    events:
      - { at: 0m, repeat: 8, every: 1m, type: order.created, shop_id: S1, buyer_id: "B{n}", order_id: "O{n}" }
    expect: []
  - name: a trusted shop is muted
    lists: { trusted_shops: [S1] }
    events:
      - { at: 0m, repeat: 8, every: 1m, type: order.created, shop_id: S1, buyer_id: "B{n % 4}", order_id: "O{n}" }
    expect: []
    expect_muted: [{ at: 7m }]
`,
  'rules/lists/trusted_shops.yaml': `# yaml-language-server: $schema=../../schemas/rule.schema.json
# Shops that a person has looked at.
list: trusted_shops
kind: allow
of: string
items: []
`,
  'schemas/rule.schema.json': documentSchemaText(),
  'lapwing.yaml': `# What is left out keeps its default.
data: .lapwing                   # state and local log
rules: [rules]
http: { host: 127.0.0.1, port: 9464 }
log: { kind: local }             # or { kind: kafka, brokers: ['127.0.0.1:9092'], group: lapwing }
`,
  '.github/workflows/rules.yml': `name: rules
on: [push, pull_request]
jobs:
  rules:
    runs-on: ubuntu-latest
    env:
      LAPWING: lapwing # a step before must bring your copy of it: no registry has it
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with: { node-version: 20 }
      - run: $LAPWING check rules --deny-warnings
      - run: $LAPWING test rules --min-tests 2
`,
  '.gitignore': `.lapwing/
node_modules/
`,
}
