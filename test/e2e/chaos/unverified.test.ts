import { expect, test } from 'vitest'
import { createSkyE2e } from '../../support/sky-e2e.ts'

/** Takes the whole time that post has: four minutes. */
test('a VM that cannot be ended fails post with the exact command, and the lease ends it', async () => {
  await using world = await createSkyE2e()
  const cancel = {
    when: (main: { seen(pattern: RegExp): Promise<void> }) => main.seen(/a: answer …/),
    how: 'kill',
  } as const
  world.sky.fault({ command: 'down', name: /^a-/, action: { kind: 'locked' } })
  const result = await world.run({ servers: { a: 'hang' }, cancel })
  const vm = world.sky.ledger.find(({ name }) => name.startsWith('a-'))?.name
  expect(result.post?.exitCode).toBe(1)
  expect(result.post?.stdout).toContain(`sky down -y ${vm}`)
  expect(world.world.ours()[0]?.body).toContain(`sky down -y ${vm}`)
  await world.ended()
}, 400_000)
