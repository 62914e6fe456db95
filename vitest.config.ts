import { defineConfig } from 'vitest/config'

const report = process.env.TEST_REPORT
/** One less, as by default, is half of a small machine: tests wait as much as they work. */
const ALL_CORES = '100%'

/**
 * Six projects: `unit` (rooms of src, real children and real HTTP servers), `e2e` (the built dist as a whole
 * process), `real` (a real model server, real act: slower), `chaos` (the built dist with VMs of a
 * stand-in `sky`: minutes of waiting), `sky` (the real `sky` on a Slurm that the suite sets up itself: Debian and
 * root), `mesh` (real Kubernetes components in namespaces: Debian, root and Go). .ci/run runs them all.
 * Deadlines are generous because tests may share a busy machine; no test asserts a time.
 */
export default defineConfig({
  test: {
    // For .ci/run, which counts tests: npm cit passes no arguments on.
    reporters: report ? ['default', ['json', { outputFile: report }]] : ['default'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          maxWorkers: ALL_CORES,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: ['test/e2e/real/**', 'test/e2e/sky/**', 'test/e2e/chaos/**', 'test/e2e/mesh/**'],
          maxWorkers: ALL_CORES,
        },
      },
      {
        extends: true,
        test: { name: 'real', include: ['test/e2e/real/**/*.test.ts'], testTimeout: 600_000 },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/e2e/chaos/**/*.test.ts'],
          testTimeout: 600_000,
          // Each run waits more than it works.
          maxWorkers: 2,
          maxConcurrency: 4,
        },
      },
      {
        extends: true,
        test: {
          name: 'mesh',
          include: ['test/e2e/mesh/**/*.test.ts'],
          globalSetup: 'test/support/mesh-lab/global-setup.ts',
          testTimeout: 180_000,
          hookTimeout: 180_000,
          // A lab a file, of about 1 GB.
          maxWorkers: 2,
        },
      },
      {
        extends: true,
        test: {
          name: 'sky',
          include: ['test/e2e/sky/**/*.test.ts'],
          globalSetup: 'test/support/sky-lab/global-setup.ts',
          // Minutes are what leases count in.
          testTimeout: 1_200_000,
          hookTimeout: 600_000,
          // One lab for all; files, and cases of the contract, wait side by side, and not more than two cores can bear.
          maxWorkers: 2,
          maxConcurrency: 3,
          // SkyPilot gives what it calls a minute, which a busy machine may not have: that is told as flaky.
          retry: 1,
        },
      },
    ],
  },
})
