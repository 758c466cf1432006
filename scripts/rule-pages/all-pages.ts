import { readLibrary } from './library.ts'
import { rulePages } from './pages.ts'
import { sixKindsPage } from './six-kinds.ts'

/** What stands under `docs/` and is made of the rule files, by path from the root. */
export async function allPages(): Promise<Map<string, string>> {
  const entries = readLibrary()
  const pages = [...rulePages(entries)].map(([name, text]): [string, string] => [`docs/rules/${name}`, text])
  return new Map([...pages, ['docs/six-kinds.md', await sixKindsPage(entries)]])
}
