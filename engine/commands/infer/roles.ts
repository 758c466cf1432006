/** Fields that have a meaning of their own, with the words that exports name them by, the likeliest first. */
const WORDS: Readonly<Record<string, string>> = {
  event_id: 'eventid 事件id 事件编号 流水号 交易流水号 流水id 业务流水号 记录id logid recordid id',
  order_id:
    'orderid 订单号 订单编号 订单id 订单编码 主订单编号 主订单号 交易订单号 商户订单号 平台订单号 子订单编号 ordernumber orderno ordersn ordercode 单号 交易号 tradeno tradeid transactionid',
  event_time:
    'eventtime 下单时间 订单创建时间 创建时间 订单时间 交易时间 交易创建时间 发生时间 成交时间 时间 日期 下单日期 createdat createtime creationtime createdtime ordertime orderedat orderdate timestamp datetime time date ts',
  type: 'eventtype type 订单状态 交易状态 状态 事件类型 事件 动作 订单状态名称 orderstatus status state event action 类型',
  buyer_id:
    'buyerid 买家id 买家编号 用户id 会员id 客户id 买家会员名 买家账号 买家用户名 买家 用户 会员 客户 下单用户 下单人 用户编号 会员编号 会员号 客户编号 userid customerid memberid accountid uid buyer user customer member account',
  shop_id:
    'shopid 店铺id 店铺编号 商家id 卖家id 商户id 门店id 商户号 门店编号 店铺 商家 卖家 商户 门店 storeid sellerid merchantid vendorid shop store seller merchant vendor',
  item_id:
    'itemid 商品id 商品编号 商品编码 商品货号 宝贝id 货号 商品sku skuid sku productid goodsid 商品 宝贝 item product goods',
  amount:
    'amount 金额 订单金额 实付金额 实付款 实际支付金额 买家实际支付金额 买家实付金额 支付金额 付款金额 成交金额 交易金额 总金额 订单总金额 应付金额 买家应付货款 总价 totalamount ordertotal orderamount total paidamount payamount paid payment',
  quantity: 'quantity 数量 件数 购买数量 商品数量 宝贝总数量 宝贝数量 qty count pieces',
  unit_price: 'unitprice 单价 商品单价 价格 商品价格 售价 price',
  list_price: 'listprice 原价 标价 市场价 吊牌价',
  category_id: 'categoryid 类目 类目id 分类 品类 商品类目 商品分类 category',
  currency: 'currency 币种 货币',
  device_id: 'deviceid 设备id 设备号 设备 设备指纹 device',
  ip: 'ip ip地址 下单ip 登录ip 客户端ip ipaddress clientip',
  channel: 'channel 渠道 来源 订单来源 下单渠道 source',
  buyer_name:
    '买家昵称 买家名称 买家姓名 用户名 用户昵称 会员名称 会员名 客户名称 客户姓名 昵称 buyername username customername nickname',
  shop_name: '店铺名称 店铺名 商家名称 卖家昵称 商户名称 门店名称 shopname storename sellername merchantname',
  item_name: '商品名称 商品标题 宝贝标题 宝贝名称 标题 品名 itemname productname goodsname title',
  refund_amount: '退款金额 退款 refundamount refund',
  freight: '运费 邮费 买家应付邮费 快递费 freight shipping shippingfee',
  discount: '优惠金额 折扣 优惠 立减 discount',
  coupon_id: '优惠券id 优惠券 优惠券编号 couponid coupon',
  paid_at: '付款时间 支付时间 订单付款时间 支付完成时间 付款日期 paidat paytime paymenttime',
  shipped_at: '发货时间 shippedat shiptime',
  completed_at: '确认收货时间 完成时间 交易完成时间 订单完成时间 completedat finishtime',
  phone: '手机 手机号 手机号码 电话 联系电话 联系手机 收货人手机 phone mobile tel',
  receiver: '收货人 收货人姓名 收件人 receiver recipient',
  address: '地址 收货地址 收货人地址 address',
  province: '省 省份 province',
  city: '市 城市 city',
  payment_method: '支付方式 付款方式 支付渠道 paymentmethod paymethod',
  tracking_no: '物流单号 快递单号 运单号 trackingno trackingnumber',
  note: '备注 订单备注 买家留言 留言 note remark comment memo',
}

const RANKED: ReadonlyMap<string, readonly [field: string, rank: number]> = new Map(
  Object.entries(WORDS).flatMap(([field, words]) => words.split(' ').map((word, i) => [word, [field, i]] as const)),
)

/** Where there is only a name, it stands for the id. */
const STAND_INS: Readonly<Record<string, string>> = {
  buyer_name: 'buyer_id',
  shop_name: 'shop_id',
  item_name: 'item_id',
}

/** Fields whose digits are a name, not a number. */
export const TEXT_FIELDS: ReadonlySet<string> = new Set(
  'event_id order_id buyer_id shop_id item_id category_id device_id ip coupon_id phone tracking_no buyer_name shop_name item_name'.split(
    ' ',
  ),
)
/** Fields that hold money, of two digits at least. */
export const MONEY_FIELDS: ReadonlySet<string> = new Set(
  'amount unit_price list_price refund_amount freight discount'.split(' '),
)

export interface Named {
  /** Name in the source -> field. */
  readonly fields: ReadonlyMap<string, string>
  /** Field -> what was assumed. */
  readonly doubts: ReadonlyMap<string, string>
}

/** A field for each name of a source: by the words that are known, else a name made of it. */
export function fieldsFor(names: readonly string[]): Named {
  const fields = new Map<string, string>()
  const doubts = new Map<string, string>()
  const ranked = names.flatMap((name) => {
    const found = RANKED.get(bareName(name))
    return found ? [{ name, field: found[0], rank: found[1] }] : []
  })
  for (const { name, field } of ranked.toSorted((a, b) => a.rank - b.rank)) {
    const isTaken = [...fields.values()].includes(field)
    if (!isTaken) fields.set(name, field)
  }
  for (const [name, field] of [...fields]) {
    const id = STAND_INS[field]
    if (!id || [...fields.values()].includes(id)) continue
    fields.set(name, id)
    doubts.set(id, 'a name: there is no column with an id')
  }
  names.forEach((name, i) => {
    if (fields.has(name)) return
    const field = unused(madeOf(name) ?? `column_${i + 1}`, [...fields.values()])
    fields.set(name, field)
    if (madeOf(name) === null)
      doubts.set(field, 'its name says nothing here: give the field a better one, in the schema too')
  })
  return { fields, doubts }
}

/** `订单金额（元）`, `Order ID` and `order_id` as they stand in the words above. */
function bareName(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/[([【].*$/, '')
    .replace(/[\s_\-./:：]+/g, '')
    .toLowerCase()
}

/** `Order ID`, `orderId` -> `order_id`; null where too little of it is ASCII. */
function madeOf(name: string): string | null {
  const snake = name
    .normalize('NFKC')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  const isWhole = snake !== '' && !/[^\x20-\x7e]/.test(name)
  if (!isWhole) return null
  return /^\d/.test(snake) ? `f_${snake}` : snake
}

function unused(name: string, taken: readonly string[]): string {
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? name : `${name}_${i}`
    if (!taken.includes(candidate)) return candidate
  }
}
