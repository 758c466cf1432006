import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../config.ts'
import { check } from './check.ts'
import { FILES } from './init/files.ts'
import { init } from './init.ts'
import { test as testRules } from './test.ts'

const root = mkdtempSync(join(tmpdir(), 'lapwing-init-'))
afterAll(() => rmSync(root, { recursive: true }))
afterEach(() => vi.restoreAllMocks())

/** What `run` says on standard output, and how it ended. */
function said<Code>(run: () => Code): { code: Code; out: string } {
  let out = ''
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text
    return true
  })
  const code = run()
  spy.mockRestore()
  return { code, out }
}

test('what it writes has no faults, passes its tests, and is a configuration', async () => {
  const folder = join(root, 'new', 'work')
  const { code, out } = said(() => init(folder))
  expect([code, out.trim().split('\n').length]).toEqual([0, 3])
  const [rules, config] = [join(folder, 'rules'), join(folder, 'lapwing.yaml')]
  expect(said(() => check([rules], { config, denyWarnings: true, format: 'text' }))).toEqual({
    code: 0,
    out: expect.stringContaining('1 rule, 0 rankings, 1 list, 3 tests: no faults'),
  })
  expect(said(() => check([folder], { config, denyWarnings: true, format: 'text' })).code).toBe(0)
  expect(await said(() => testRules([rules], { config, minTests: 2, format: 'text' })).code).toBe(0)
  expect(loadConfig({ path: config }).rules).toEqual([rules])
  const { jobs } = parse(readFileSync(join(folder, '.github/workflows/rules.yml'), 'utf8'))
  expect(jobs.rules.steps.at(-1).run).toBe('$LAPWING test rules --min-tests 2')
})

test('its pipeline fetches no package that happens to have the name', () => {
  for (const text of Object.values(FILES)) expect(text).not.toMatch(/\bnpx\b/)
})

test('editors find the schema beside the rules that it writes', () => {
  const folder = join(root, 'edited')
  said(() => init(folder))
  for (const name of Object.keys(FILES).filter((path) => path.startsWith('rules/'))) {
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(FILES[name])!
    const text = readFileSync(join(folder, name, '..', schema), 'utf8')
    expect(JSON.parse(text).title, name).toBe('A document of a Lapwing rule file')
  }
})

test('overwrites nothing, and writes nothing beside what is there', () => {
  const folder = mkdtempSync(join(root, 'there-'))
  writeFileSync(join(folder, 'lapwing.yaml'), 'data: mine\n')
  expect(() => init(folder)).toThrow('nothing was written, for these are there already: lapwing.yaml')
  expect(readFileSync(join(folder, 'lapwing.yaml'), 'utf8')).toBe('data: mine\n')
  expect(Object.keys(FILES).filter((name) => existsSync(join(folder, name)))).toEqual(['lapwing.yaml'])
})

test('a folder that cannot be made is named', () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  expect(() => init(join(file, 'work'))).toThrow(`${join(file, 'work')}`)
})

test.skipIf(!existsSync('/proc'))('below /proc, where node would try for ever', () => {
  expect(() => init('/proc/none/work')).toThrow('/proc/none/work/rules/shop_order_burst.yaml cannot be written')
})
