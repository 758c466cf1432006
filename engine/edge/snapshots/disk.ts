import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { DATA_FILE_MODE, makeDataFolder } from '../../kit/make-folder.ts'

/** What a snapshot store does to files: each call is one step that a crash may come before or after. */
export interface Disk {
  makeFolder(path: string): void
  names(folder: string): readonly string[]
  read(path: string): Uint8Array
  /** Behind what is in the file; makes it if need be. */
  append(path: string, bytes: Uint8Array): Promise<void>
  /** The file's bytes, or (a folder) its names, survive a power cut from here on. */
  sync(path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
}

export const nodeDisk: Disk = {
  makeFolder: makeDataFolder,
  names: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
  read: (path) => readFileSync(path),
  append: (path, bytes) => withFile(path, 'a', (file) => file.appendFile(bytes)),
  sync: (path) => withFile(path, 'r', (file) => file.sync()),
  rename,
  remove: unlink,
}

async function withFile(
  path: string,
  flags: string,
  use: (file: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, DATA_FILE_MODE)
  try {
    await use(file)
  } finally {
    await file.close()
  }
}
