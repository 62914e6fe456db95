/** The only step of sweep/action.yml: wiring only. */
process.stdout.write('lmrun sweep: what dead runs left\n')

const cancelled = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => cancelled.abort(new DOMException(`cancelled by ${signal}`, 'AbortError')))
}

const [core, { runSweepAction }, { explain }] = await Promise.all([
  import('@actions/core'),
  import('./sweep/action.ts'),
  import('./errors.ts'),
])
try {
  await runSweepAction(cancelled.signal)
} catch (error) {
  core.setFailed(explain(error))
}
process.exit()
