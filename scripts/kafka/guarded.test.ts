import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { Guarded } from './guarded.ts'

const alive = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

it('keeps what the child wrote last and knows when it is gone', async () => {
  const child = new Guarded('sh', ['-c', 'for i in $(seq 1 50); do echo $i; done; exec sleep 60'])
  await vi.waitFor(() => expect(child.lines.at(-1)).toBe('50'), 10_000)
  expect(child.lines.length).toBe(40)
  expect(child.running).toBe(true)
  await child.stop()
  expect(child.running).toBe(false)
})

it('stops a child that does not listen to SIGTERM', async () => {
  const child = new Guarded('sh', ['-c', "trap '' TERM; echo deaf; while :; do sleep 1; done"])
  await vi.waitFor(() => expect(child.lines).toEqual(['deaf']), 10_000)
  await child.stop(100)
  expect(child.running).toBe(false)
})

it('takes the child and its folder along when the parent dies by SIGKILL', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-guarded-'))
  const module = fileURLToPath(new URL('guarded.ts', import.meta.url))
  const script = `import { Guarded } from ${JSON.stringify(module)}
    console.log(new Guarded('sleep', ['60'], { removeOnCrash: ${JSON.stringify(folder)} }).pid)`
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script])
  const [text] = await once(parent.stdout.setEncoding('utf8'), 'data')
  const pid = Number(text)
  expect(alive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: 5_000 })
  await vi.waitFor(() => expect(existsSync(folder)).toBe(false), { timeout: 5_000 })
})
