import { type TransferListItem, Worker } from 'node:worker_threads'
import { packagePath } from './package-path.ts'

/**
 * A thread that runs a module, given as a URL without its ending, and does not keep the process alive. From the sources,
 * where Node reads no TypeScript, it takes the way over a loader.
 */
export function startThread(module: string, workerData: object, transferList: readonly TransferListItem[]): Worker {
  const isSource = import.meta.url.endsWith('.ts')
  const entry = `${module}.${isSource ? 'ts' : 'js'}`
  const file = isSource ? packagePath('scripts/threads/from-source.mjs') : new URL(entry)
  const worker = new Worker(file, {
    workerData: { ...workerData, entry },
    transferList: [...transferList],
    execArgv: [],
  })
  worker.unref()
  return worker
}
