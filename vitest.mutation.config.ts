import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What kills most mutants comes first: the others need not run then. */
class AgreementFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isFirst = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith('agree.mutation.ts')
    const sorted = await super.sort(files)
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))]
  }
}

/** For Stryker alone: the tests of `engine/state` and `engine/task`, and fixed cases against the reference. */
export default defineConfig({
  test: {
    include: ['engine/state/**/*.test.ts', 'engine/task/**/*.test.ts', 'engine/sim/agree.mutation.ts'],
    setupFiles: ['scripts/mutation/fixed-seed.ts'],
    sequence: { sequencer: AgreementFirst },
    testTimeout: 600_000,
  },
})
