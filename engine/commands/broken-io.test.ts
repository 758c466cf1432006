import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packagePath } from '../kit/package-path.ts'

const folder = mkdtempSync(join(tmpdir(), 'lapwing-io-'))

function shell(command: string): { status: number | null; stderr: string } {
  const lapwing = `npx tsx ${packagePath('engine/main.ts')}`
  const { status, stderr } = spawnSync('sh', ['-c', command.replaceAll('LAPWING', lapwing)], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  return { status, stderr }
}

const order = (n: number): string =>
  JSON.stringify({
    event_id: `E${n}`,
    type: 'order.created',
    event_time: 1_767_225_600_000 + n,
    order_id: `O${n}`,
    buyer_id: 'B1',
    shop_id: 'S1',
  })

test('a broken first line costs itself alone, from a file and from a pipe', () => {
  const file = join(folder, 'rotated.jsonl')
  writeFileSync(file, `"type":"order.created"}\n${[1, 2, 3].map(order).join('\n')}\n`)
  const rules = packagePath('rules')
  for (const command of [
    `LAPWING run --rules ${rules} --input ${file}`,
    `cat ${file} | LAPWING run --rules ${rules} --input -`,
  ]) {
    const { status, stderr } = shell(command)
    expect(status).toBe(0)
    expect(stderr).toMatch(/3 events in .*malformed 1/s)
  }
}, 60_000)

test.skipIf(!existsSync('/dev/full'))(
  'output that cannot be written is said, with exit code 2 (needs /dev/full)',
  () => {
    const { status, stderr } = shell(`LAPWING check ${packagePath('rules')} > /dev/full`)
    expect(status).toBe(2)
    expect(stderr).toMatch(/standard output cannot be written: ENOSPC/)
  },
  60_000,
)

test.skipIf(!existsSync('/proc/self'))(
  'a data folder that cannot be made is refused at once (needs /proc)',
  () => {
    const { status, stderr } = shell('LAPWING run --data /proc/nowhere/deep --port 0')
    expect(status).toBe(2)
    expect(stderr).toMatch(/\/proc\/nowhere/)
    expect(stderr).not.toMatch(/at .*\.ts:\d+/)
  },
  60_000,
)
