import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../src/env.ts'

const CHANGELOG = `# Changelog

## [Unreleased]

## [1.2.0] - 2026-11-24

### Added

- The new thing.

## [1.1.0] - 2026-10-01

- The old thing.

[1.2.0]: https://example.com
`

/** `gh` as the script uses it: logs its arguments, answers from a file of cases. */
const GH = `#!/usr/bin/env bash
echo "$*" >>"$GH_LOG"
case "$*" in
  *"release view"*) [[ $GH_RELEASE == none ]] && exit 1; echo "$GH_RELEASE" ;;
  *"release create"*) cat >"$GH_LOG.notes" ;;
  *matching-refs*) printf 'refs/tags/%s\\n' $GH_TAGS ;;
  *"api repos"*"/ref/tags/"*) [[ $GH_MAJOR == yes ]] ;;
esac
`

function clone() {
  const folder = mkdtempSync(path.join(tmpdir(), 'lmrun-release-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const write = (file: string, text: string, mode = 0o644) => {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true })
    writeFileSync(path.join(folder, file), text, { mode })
  }
  write('package.json', '{\n  "name": "x",\n  "version": "1.2.0",\n  "private": true\n}\n')
  write('CHANGELOG.md', CHANGELOG)
  write('.git-bin/gh', GH, 0o755)
  cpSync(path.join(packageRoot(), 'scripts/release.sh'), path.join(folder, 'scripts/release.sh'))
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {
      cwd: folder,
      encoding: 'utf8',
    })
  git('init', '-q')
  git('add', '-A')
  git('commit', '-qm', 'x')
  git('update-ref', 'refs/remotes/origin/main', 'HEAD')
  const log = path.join(folder, '.git', 'gh.log')
  const release = (step: string, tag: string, world: Readonly<Record<string, string>> = {}) => {
    const env = {
      ...process.env,
      PATH: `${folder}/.git-bin:${process.env.PATH}`,
      GH_LOG: log,
      GITHUB_REPOSITORY: 'org/lmrun-action',
      ...world,
    }
    return spawnSync('bash', ['scripts/release.sh', step, tag], { cwd: folder, env, encoding: 'utf8' })
  }
  const asked = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
  return { folder, git, release, asked, notes: () => readFileSync(`${log}.notes`, 'utf8') }
}

test('accepts a tag that fits, and prints the notes of that version alone', () => {
  const { release } = clone()
  expect(release('check', 'v1.2.0')).toMatchObject({ status: 0, stderr: '' })
  expect(release('notes', 'v1.2.0').stdout.trim()).toBe('### Added\n\n- The new thing.')
})

test.each([
  { tag: '1.2.0', status: 2, says: 'not a version tag' },
  { tag: 'v1', status: 2, says: 'not a version tag' },
  { tag: 'v1.2.0; true', status: 2, says: 'not a version tag' },
  { tag: 'v1.1.0', status: 1, says: 'package.json says 1.2.0' },
])('refuses the tag $tag', ({ tag, status, says }) => {
  const refused = clone().release('check', tag)
  expect(refused.status).toBe(status)
  expect(refused.stderr).toContain(says)
})

test('refuses an unknown step, a version without notes and a commit that is not on main', () => {
  const { release, git, folder } = clone()
  expect(release('ship', 'v1.2.0')).toMatchObject({ status: 2 })
  git('commit', '-qm', 'y', '--allow-empty')
  expect(release('check', 'v1.2.0').stderr).toContain('not on main')
  writeFileSync(path.join(folder, 'CHANGELOG.md'), CHANGELOG.replace('[1.2.0] -', '[1.3.0] -'))
  expect(release('check', 'v1.2.0').stderr).toContain('CHANGELOG.md has nothing under "## [1.2.0]"')
})

test('drafts the release with its archive before it publishes, and only once', () => {
  const { release, asked, notes, folder } = clone()
  expect(release('pack', 'v1.2.0').status).toBe(0)
  expect(existsSync(path.join(folder, 'release/lmrun-action-1.2.0.tar.gz'))).toBe(true)
  expect(release('publish', 'v1.2.0', { GH_RELEASE: 'none' }).status).toBe(0)
  expect(asked().map(line => line.split(' ').slice(0, 3).join(' '))).toEqual([
    'release view v1.2.0',
    'release create v1.2.0',
    'release upload v1.2.0',
    'release edit v1.2.0',
  ])
  expect(notes()).toContain('- The new thing.')
  expect(release('publish', 'v1.2.0', { GH_RELEASE: 'false' }).stdout).toContain('published already')
  expect(asked()).toHaveLength(5)
})

test.each([
  { name: 'creates', world: { GH_TAGS: 'v1.2.0', GH_MAJOR: 'no' }, does: /--method POST .*refs\/tags\/v1 / },
  {
    name: 'moves',
    world: { GH_TAGS: 'v1.9.0-rc v1.1.0 v1.2.0', GH_MAJOR: 'yes' },
    does: /--method PATCH .*tags\/v1 /,
  },
])('$name the major tag', ({ world, does }) => {
  const { release, asked } = clone()
  expect(release('move-major', 'v1.2.0', world)).toMatchObject({ status: 0, stderr: '' })
  expect(asked().at(-1)).toMatch(does)
})

test('never moves the major tag back', () => {
  const { release, asked } = clone()
  expect(release('move-major', 'v1.2.0', { GH_TAGS: 'v1.2.0 v1.10.0', GH_MAJOR: 'yes' }).stdout).toContain(
    'v1.10.0 is newer',
  )
  expect(asked().join()).not.toContain('--method')
})
