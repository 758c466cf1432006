import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { packagePath } from '../../engine/kit/package-path.ts'
import { allPages } from './all-pages.ts'

/** npm run rule-pages: writes docs/rules/*.md and docs/six-kinds.md from the rule files and from real runs. */
for (const [path, text] of await allPages()) {
  mkdirSync(dirname(packagePath(path)), { recursive: true })
  writeFileSync(packagePath(path), text)
}
