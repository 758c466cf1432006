import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadConfig } from '../../../config.ts'
import { packagePath } from '../../../kit/package-path.ts'
import { readAll } from './testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-formats-'))
afterAll(() => rmSync(folder, { recursive: true }))

const page = readFileSync(packagePath('docs/streams.md'), 'utf8')
const section = page.slice(page.indexOf('\n## Formats'))
const blocks = [...section.matchAll(/```([a-z. ]+)\n(.*?)```/gs)].map(([, name, text]) => ({ name, text }))
const [schema, ...examples] = blocks
writeFileSync(join(folder, 'orders.avsc'), schema.text)

test.each(Array.from({ length: examples.length / 3 }, (_, i) => examples.slice(3 * i, 3 * i + 3)))(
  'the page on streams: example %#',
  async (...[yaml, record, events]) => {
    expect([schema, yaml, record, events].map(({ name }) => name)).toEqual(['json orders.avsc', 'yaml', 'json record', 'json event']) // biome-ignore format: one line
    writeFileSync(join(folder, 'lapwing.yaml'), yaml.text)
    const [stream] = loadConfig({ folder }).streams
    const { rows, bad } = await readAll(stream, [record.text], { clockMs: Date.UTC(2026, 0, 5, 12) })
    expect(bad).toEqual([])
    expect(rows).toEqual(events.text.trim().split('\n').map((line) => JSON.parse(line))) // biome-ignore format: one line
  },
)
