import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { markdownTable } from 'markdown-table'
import { expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../../src/env.ts'
import { AWS_REGIONS, subnetCidr, vpcCidr, zonesOf } from '../../../src/mesh/topology/aws.ts'
import { meshPlanSchema } from '../../../src/mesh/topology/schema.ts'
import { fieldRows, fieldTable } from '../../support/schema-fields.ts'

const file = path.join(packageRoot(), 'docs/mesh-topology.md')
const text = readFileSync(file, 'utf8')

/** A command, and the block right after it that shows what it prints. */
const EXAMPLE = /(```sh\nlmrun (mesh plan [^|\n]+)\n```\n\n```(?:text|mermaid)\n)[^`]*(```)/g

/** What a terminal shows of it, in a folder that holds the page's mesh.yaml. */
function run(command: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'lmrun-topology-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(path.join(folder, 'mesh.yaml'), /```yaml\n(# mesh.yaml\n[^`]+)```/.exec(text)?.[1] ?? '')
  const cli = path.join(packageRoot(), 'src/cli.ts')
  const { stdout, stderr } = spawnSync(process.execPath, [cli, ...command.trim().split(' ')], {
    cwd: folder,
    encoding: 'utf8',
    env: {},
  })
  return stdout + stderr
}

const withExamples = (page: string) =>
  page.replace(EXAMPLE, (_, open, command, close) => `${open}${run(command)}${close}`)

const withTable = (mark: string, table: string) => (page: string) =>
  page.replace(
    new RegExp(`(<!-- ${mark} -->\\n)[\\s\\S]*(<!-- /${mark} -->)`),
    (_, open, close) => `${open}\n${table}\n\n${close}`,
  )

function rangeTable(): string {
  const rows = AWS_REGIONS.map(region => {
    const vpc = vpcCidr(region, []) ?? ''
    const subnets = zonesOf(region).map(zone => `${zone} ${subnetCidr(vpc, zone).replace(/\/19$/, '')}`)
    return [region, vpc, subnets.join(', ')]
  })
  return markdownTable([['region', 'VPC', 'subnets, a /19 each'], ...rows], { alignDelimiters: false })
}

test('the page shows what its examples print, every range and every field', async () => {
  const rows = fieldRows(meshPlanSchema)
  expect(rows.filter(([, , meaning]) => meaning === '')).toEqual([])
  const parts = [withExamples, withTable('ranges', rangeTable()), withTable('fields', fieldTable(rows))]
  await expect(parts.reduce((page, put) => put(page), text)).toMatchFileSnapshot(file)
})

test('no example of the page is left out', () => {
  const all = [...text.matchAll(/^lmrun (mesh plan [^|\n]+)(\|.*)?$/gm)]
  const piped = all.filter(([, , pipe]) => pipe !== undefined)
  expect([...text.matchAll(EXAMPLE)]).toHaveLength(all.length - piped.length)
  expect(piped).toHaveLength(1)
  for (const [, command = ''] of piped) meshPlanSchema.parse(JSON.parse(run(command)))
})
