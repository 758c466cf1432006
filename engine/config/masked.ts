import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from 'yaml'

/** Whatever is below these is a secret unless its key is known to hold none. */
const SECTION = /sasl|oauth|registry/i
const SECRET = /passw|passphrase|pwd|secret|token|credential|api_?key/i
const OPEN = new Set(
  ['mechanism', 'username', 'url', 'ca', 'cert', 'key', 'scope', 'client_id', 'timeout'].concat(
    ['password_file', 'token_file', 'client_secret_file', 'token_url'], // names of secrets, none themselves
  ),
)
const NAME = /^[\w.-]+$/
const WRITTEN = new RegExp(
  `([\\w-]*(?:${SECRET.source})[\\w-]*)["']?[ \\t]*[:=][ \\t]*("(?:[^"\\\\\\n]|\\\\.)*"?|'[^'\\n]*'?|[^\\n]*)`,
  'gi',
)
/** Of a URL, or of a `host:port` that somebody put them in front of. */
const USERINFO = /(?:[a-z][a-z0-9+.-]*:\/\/|[\s"'[,])([^\s/"'[\],]+)@(?=[\w[])/gi

/** A configuration's text, and texts about it, without the secrets in it. */
export interface Masked {
  /** As long as the text, line by line: places in it stay right. */
  readonly text: string
  readonly hide: (message: string) => string
}

/** Finds secrets by the keys that they are under, misspelt ones too; also where the YAML is broken. */
export function masked(document: Document.Parsed, text: string): Masked {
  const chars = text.split('')
  const secrets = new Set<string>()
  const hide = (start: number, end: number) => {
    const found = text.slice(start, end)
    secrets.add(found).add(found.replace(/^["'*&!|>]\s*|["']$/g, ''))
    for (let i = start; i < end; i++) if (chars[i] !== '\n' && chars[i] !== '\r') chars[i] = '*'
  }
  hideNodes(document, document.contents, false, hide)
  for (const { index, 0: whole, 1: key, 2: value } of text.matchAll(WRITTEN)) {
    if (OPEN.has(key)) continue
    const start = index + whole.length - value.length
    const isFlow = /[{[,]/.test(text.slice(text.lastIndexOf('\n', index) + 1, index))
    const end = isFlow && !/^["']/.test(value) ? /^[^,}\]]*/.exec(value)![0].length : value.length
    hide(start, start + end)
  }
  for (const { index, 0: whole, 1: userinfo } of text.matchAll(USERINFO)) {
    const end = index + whole.length - 1
    hide(end - userinfo.length, end)
  }
  const texts = [...secrets].filter((secret) => secret.length > 2).sort((a, b) => b.length - a.length)
  return {
    text: chars.join(''),
    hide: (message) => texts.reduce((shown, secret) => shown.replaceAll(secret, '***'), message),
  }
}

type Hide = (start: number, end: number) => void

/** `isSecret`: all of it, but for what is under open keys. */
function hideNodes(document: Document, node: unknown, isSecret: boolean, hide: Hide): void {
  if (isMap(node)) {
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : ''
      if (isSecret && !NAME.test(name)) hideNodes(document, key, true, hide)
      const isNamed = SECTION.test(name) || SECRET.test(name)
      const isPlainUrl = name === 'registry' && isScalar(value) && isUrl(value.value)
      hideNodes(document, value, !OPEN.has(name) && !isPlainUrl && (isSecret || isNamed), hide)
    }
  } else if (isSeq(node)) for (const item of node.items) hideNodes(document, item, isSecret, hide)
  else if (isSecret && (isScalar(node) || isAlias(node))) {
    const meant = isAlias(node) ? node.resolve(document) : null
    if (meant) hideNodes(document, meant, true, hide)
    const range = (node as Node).range
    if (range && !(isScalar(node) && node.value === null)) hide(range[0], range[1])
  }
}

/** Userinfo in it is hidden on its own. */
function isUrl(value: unknown): boolean {
  return value === null || typeof value === 'number' || /^[a-z]+:\/\//.test(String(value))
}
