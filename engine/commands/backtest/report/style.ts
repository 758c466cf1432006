/** Light and dark by what the reader's system asks for; nothing is fetched. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #ffffff; --ink: #1d2129; --soft: #5b6472; --line: #dfe1e6; --mark: #1f6feb; --accent: #b4400e }
@media (prefers-color-scheme: dark) { :root { --ground: #14171c; --card: #1c2027; --ink: #e8eaee; --soft: #a3acba; --line: #333a45; --mark: #6aa8ff; --accent: #ff9a63 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
main { max-width: 1080px; margin: 0 auto; padding: 32px 20px 64px }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -0.01em }
h2 { font-size: 18px; margin: 36px 0 12px }
h3 { font-size: 15px; margin: 0 0 8px; overflow-wrap: anywhere }
.lead, figcaption, caption { color: var(--soft) }
.lead { margin: 0; overflow-wrap: anywhere }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin: 20px 0 0; padding: 0; list-style: none }
.tiles li, .card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px }
.tiles b { display: block; font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums }
.tiles span { color: var(--soft); font-size: 13px }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 460px), 1fr)); gap: 16px }
figure { margin: 0 }
figcaption { font-size: 13px; margin-bottom: 6px }
svg { width: 100%; height: auto; display: block }
.bar { fill: var(--mark) }
.curve { fill: none; stroke: var(--mark); stroke-width: 2 }
.dot { fill: var(--mark); stroke: var(--card); stroke-width: 2 }
.grid { stroke: var(--line) }
.base { stroke: var(--soft) }
.axis { fill: var(--soft); font-size: 12px }
.scroll { overflow-x: auto; padding: 4px 16px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px }
caption { text-align: left; padding: 8px 0; font-size: 13px }
th, td { padding: 7px 14px 7px 0; text-align: left; border-bottom: 1px solid var(--line); white-space: nowrap }
thead th { color: var(--soft); font-weight: 600; font-size: 13px }
tbody th { font-weight: 600 }
tbody tr:last-child > * { border-bottom: 0 }
td.number, th.number { text-align: right }
.high, .critical { color: var(--accent); font-weight: 600 }
details { margin-top: 8px; font-size: 13px }
summary { color: var(--soft); cursor: pointer }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 2px }
@media print { body { background: none } .card, .tiles li { break-inside: avoid } }
`
