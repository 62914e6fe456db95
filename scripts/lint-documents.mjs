// Lints the workflows that documents show (a fence of YAML that begins with the comment `# .github/workflows/NAME`)
// like our own: actionlint knows the inputs of this very action, zizmor is pedantic.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const root = path.join(import.meta.dirname, '..')
const fence = /^```yaml\n# (\.github\/workflows\/[\w-]+\.yml)\n([\s\S]*?)^```$/gm
const documents = ['README.md', ...readdirSync(path.join(root, 'docs')).map(name => `docs/${name}`)]
const workflows = documents
  .filter(file => file.endsWith('.md'))
  .flatMap(file => [...readFileSync(path.join(root, file), 'utf8').matchAll(fence)])
  .map(([, name = '', text = '']) => ({ name, text }))

const folder = mkdtempSync(path.join(tmpdir(), 'lmrun-lint-'))
try {
  // actionlint looks an action up only in its own repository: there it is `./`.
  const local = layOut('local', text => text.replace(/org\/lmrun-action(\/\w+)?@v1/g, './$1'))
  for (const name of ['action.yml', 'sweep/action.yml'])
    if (existsSync(path.join(root, name))) cpSync(path.join(root, name), path.join(local, name))
  symlinkSync(path.join(root, 'dist'), path.join(local, 'dist'))
  lint('actionlint', [], local)
  // Readers pin this action by its major version; everything else by commit, as here.
  const asShown = layOut('shown', text => text)
  const config = path.join(folder, 'zizmor.yml')
  const policies = '{"org/lmrun-action": ref-pin, "org/lmrun-action/*": ref-pin, "*": hash-pin}'
  writeFileSync(config, `rules: {unpinned-uses: {config: {policies: ${policies}}}}\n`)
  const flags = ['--quiet', '--offline', '--no-progress', '--strict-collection', '--persona', 'pedantic']
  lint('zizmor', [...flags, '--config', config, '.github'], asShown)
  console.log(
    `${workflows.length} workflows in documents: ${workflows.map(({ name }) => path.basename(name)).join(', ')}`,
  )
} finally {
  rmSync(folder, { recursive: true })
}
if (workflows.length === 0)
  throw new Error('no workflow was found in the documents: has the way they are written changed?')

function layOut(name, change) {
  const repository = path.join(folder, name)
  mkdirSync(path.join(repository, '.github/workflows'), { recursive: true })
  // actionlint takes the folder above .git for the repository.
  mkdirSync(path.join(repository, '.git'))
  for (const { name, text } of workflows) writeFileSync(path.join(repository, name), change(text))
  return repository
}

function lint(command, args, cwd) {
  try {
    execFileSync(command, args, { cwd, stdio: 'inherit' })
  } catch (error) {
    if (error.code === 'ENOENT') throw error
    process.exitCode = 1
  }
}
