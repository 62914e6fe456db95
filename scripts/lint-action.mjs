// Checks action.yml and the workflows with the language service that GitHub's own editors use.
import { readdir, readFile } from 'node:fs/promises'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

// The package imports its schemas as bundlers do, without the attribute that Node asks for.
registerHooks({
  load: (url, context, nextLoad) =>
    nextLoad(url, url.endsWith('.json') ? { ...context, importAttributes: { type: 'json' } } : context),
})
const { validate } = await import('@actions/languageservice')
const { TextDocument } = await import('vscode-languageserver-textdocument')

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const workflows = path.join(root, '.github', 'workflows')
const files = [
  path.join(root, 'action.yml'),
  path.join(root, 'sweep/action.yml'),
  ...(await readdir(workflows)).map(name => path.join(workflows, name)),
]

let found = 0
for (const file of files) {
  const uri = pathToFileURL(file).href
  const diagnostics = await validate(TextDocument.create(uri, 'yaml', 1, await readFile(file, 'utf8')))
  for (const { range, message } of diagnostics) {
    console.error(
      `${path.relative(root, file)}:${range.start.line + 1}:${range.start.character + 1} ${message}`,
    )
  }
  found += diagnostics.length
}
console.log(`${files.length} files, ${found} findings`)
process.exitCode = found === 0 ? 0 : 1
