// Writes README.md's tables of inputs and outputs from action.yml; with --check, fails when they are not in step.
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { markdownTable } from 'markdown-table'
import { parse } from 'yaml'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const readme = path.join(root, 'README.md')
const action = parse(await readFile(path.join(root, 'action.yml'), 'utf8'))

const before = await readFile(readme, 'utf8')
const after = [
  {
    name: 'inputs',
    table: table(['Input', 'What it is', 'Default'], Object.entries(action.inputs).map(inputRow)),
  },
  { name: 'outputs', table: table(['Output', 'What it is'], Object.entries(action.outputs).map(outputRow)) },
].reduce(fill, before)

if (!process.argv.includes('--check')) await writeFile(readme, after)
else if (before !== after) {
  console.error(
    'README.md: the tables are not what action.yml says: run "npm run readme" and commit README.md',
  )
  process.exitCode = 1
}

function inputRow([name, input]) {
  const fallback = input.default === undefined || input.default === '' ? '' : `\`${input.default}\``
  return [`\`${name}\``, input.description, input.required ? '**required**' : fallback]
}

function outputRow([name, output]) {
  return [`\`${name}\``, output.description]
}

function table(head, rows) {
  const escaped = rows.map(row =>
    row.map(cell =>
      cell
        .trim()
        .replaceAll(/\s*\n\s*/g, ' ')
        .replaceAll('|', '\\|'),
    ),
  )
  return markdownTable([head, ...escaped], { alignDelimiters: false, padding: true })
}

function fill(text, { name, table }) {
  const [start, end] = [`<!-- ${name}: from action.yml by "npm run readme" -->`, `<!-- /${name} -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`README.md: no "${start}" … "${end}"; put the two lines back`)
  return `${text.slice(0, from + start.length)}\n\n${table}\n\n${text.slice(to)}`
}
