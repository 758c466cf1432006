import { defineConfig } from 'vitest/config'

const folders = ['engine', 'bench', 'scripts']
const kafkaTests = folders.map((folder) => `${folder}/**/*.kafka.test.ts`)

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: folders.map((folder) => `${folder}/**/*.test.ts`),
          exclude: kafkaTests,
          testTimeout: 20_000,
          expect: { poll: { timeout: 10_000 } },
        },
      },
      {
        test: {
          name: 'kafka',
          include: kafkaTests,
          globalSetup: ['scripts/kafka/vitest-setup.ts'],
          testTimeout: 60_000,
          expect: { poll: { timeout: 10_000 } },
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
