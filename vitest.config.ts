import { defineConfig } from 'vitest/config'

const report = process.env.TEST_REPORT

/**
 * Three projects: `unit` (rooms of src, real children and real HTTP servers), `e2e` (the built dist as a whole
 * process), `real` (a real model server, real act: slower, run by .ci/run).
 * Deadlines are generous because tests may share a busy machine; no test asserts a time.
 */
export default defineConfig({
  test: {
    // For .ci/run, which counts tests: npm cit passes no arguments on.
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/e2e/**'] } },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude: ['test/e2e/real/**'] },
      },
      {
        extends: true,
        test: { name: 'real', include: ['test/e2e/real/**/*.test.ts'], testTimeout: 600_000 },
      },
    ],
  },
})
