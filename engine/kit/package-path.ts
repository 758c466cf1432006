import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Absolute path of a file that ships with the package, such as `schemas/alert.avsc`, whether it is there or not. The
 * package's root is the nearest folder above this module with a package.json: from `engine/` and `dist/engine/` alike.
 */
export function packagePath(relative: string): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder)
    if (parent === folder) throw new Error('this module stands in no package')
    folder = parent
  }
  return join(folder, relative)
}
