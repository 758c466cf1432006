import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packagePath } from '../kit/package-path.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-push-'))
afterAll(() => rmSync(root, { recursive: true }))
const tsx = packagePath('node_modules/tsx/dist/esm/index.mjs')

function start(...args: string[]) {
  const child = spawn(process.execPath, ['--import', tsx, packagePath('engine/main.ts'), ...args], { cwd: root })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.err += text
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  const has = (what: string) => expect.poll(() => said.err, { timeout: 15_000 }).toContain(what)
  return { ended, has, kill: (signal: NodeJS.Signals) => child.kill(signal) }
}
const push = (...args: string[]) => start('rules', 'push', '--data', 'data', ...args).ended
const write = (name: string, limit: number, version: number) =>
  writeFileSync(
    join(root, name),
    `rule: burst
version: ${version}
title: many orders
on: order.created
by: [buyer_id]
window: 1h
measure: { orders: { count: events } }
when: orders >= ${limit}
severity: high
`,
  )

test('rules pushed to nobody wait; pushed to an engine they are in force; a body without a new version is refused', async () => {
  write('rule.yaml', 2, 1)
  const early = await push('rule.yaml')
  expect([early.code, early.out]).toEqual([0, expect.stringMatching(/^1 rules .*no engine runs on .*next start/)])
  const engine = start('run', '--data', 'data', '--rules', 'rule.yaml', '--port', '0')
  await engine.has('"running"')

  write('other.yaml', 3, 1)
  const refused = await push('other.yaml')
  expect([refused.code, refused.out]).toEqual([2, ''])
  expect(refused.err).toMatch(/other\.yaml:2:10: error\[version-not-raised\].*hash [0-9a-f]{32}, here [0-9a-f]{32}/)
  write('other.yaml', 3, 2)
  const pushed = await push('other.yaml', '--json')
  expect(pushed).toMatchObject({ code: 0, err: '' })
  expect(JSON.parse(pushed.out)).toMatchObject({ state: 'in force', rules: 1 })
  expect(await push('other.yaml')).toMatchObject({ code: 0, out: expect.stringContaining('nothing to change') })

  write('rule.yaml', 4, 3)
  engine.kill('SIGHUP')
  await engine.has('a changed rule set is in force')
  engine.kill('SIGINT')
  expect((await engine.ended).code).toBe(0)
}, 60_000)
