// What bench/score.ts compares with: every file read whole, every line parsed, every row kept, means by grouping.
// Plain JavaScript, so that it does not pay for stripping types.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const [root = '.'] = process.argv.slice(2)
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.jsonl'))

const rowsOf = kind => files.filter(kind).flatMap(file => parse(path.join(root, file)))
const asked = new Set(rowsOf(file => file.endsWith('question.jsonl')).map(row => row.question_id))
const judgments = rowsOf(file => file.includes('model_judgment')).filter(row => asked.has(row.question_id))
const errors = rowsOf(file => file.includes('model_answer')).filter(
  row => row.choices[0].turns[0] === '$ERROR$',
)

const models = {}
for (const [model, rows] of Map.groupBy(judgments, row => row.model)) {
  const categories = [...Map.groupBy(rows, row => row.category).values()].map(some =>
    mean(
      [...Map.groupBy(some, row => row.task).values()].map(task => mean(task.map(row => row.score * 100))),
    ),
  )
  models[model] = { average: mean(categories), missing: asked.size - rows.length }
}
console.log(JSON.stringify({ models, errors: errors.length }))

function parse(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
