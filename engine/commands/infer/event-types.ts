/** What words of a status mean, the first that is found in one; what is not yet comes before what is. */
const MEANINGS: readonly (readonly [words: RegExp, type: string, isSure: boolean])[] = [
  [/退款成功|已退款|退款完成|^(fully_?)?refunded$/, 'order.refunded', true],
  [/退|refund|return|售后/, 'order.refunded', false],
  [/未付|待付|未支付|待支付|等待买家付款|待下单|unpaid|await.*pay|pending.*pay/, 'order.created', true],
  [/取消|关闭|作废|撤销|cancel/, 'order.cancelled', true],
  [/close|void|fail|expired|失败|过期|超时/, 'order.cancelled', false],
  [/未发货|待发货|等待卖家发货|备货|unshipped|await.*ship/, 'order.paid', true],
  [/待收|待签|已发货|发货|运输|派送|在途|shipped|dispatch|transit/, 'order.shipped', true],
  [/签收|收货|送达|妥投|交易成功|交易完成|已完成|完成|deliver|complet|finish|received/, 'order.delivered', true],
  [/付款|支付|paid|captured|payment/, 'order.paid', true],
  [/success|成功|done/, 'order.delivered', false],
  [/下单|创建|新建|新订单|created|^new$|placed|submitted/, 'order.created', true],
  [/待处理|待确认|处理中|已确认|pending|open|processing|confirmed/, 'order.created', false],
]

export const UNKNOWN_TYPE = 'order.other'

/** The event type that a word of a status stands for, and what was assumed. */
export function typeOf(word: string): { readonly type: string; readonly doubt: string | null } {
  const bare = word.trim().toLowerCase()
  for (const [words, type, isSure] of MEANINGS) if (words.test(bare)) return { type, doubt: isSure ? null : 'a guess' }
  return { type: UNKNOWN_TYPE, doubt: 'the word is not known: say what it is, or leave it' }
}

/** `order.created`, `payment_captured.v1`: a word that is a type already. */
export function isType(word: unknown): boolean {
  return typeof word === 'string' && /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$/.test(word)
}
