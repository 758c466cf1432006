import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: { include: ['engine/**/*.test.ts', 'bench/**/*.test.ts', 'scripts/**/*.test.ts'], testTimeout: 20_000 },
})
