import { Command } from 'commander'
import { InputError } from '../errors.ts'
import type { Results } from '../report/results.ts'

interface Flags {
  readonly html?: boolean
  readonly markdown?: boolean
  readonly json?: boolean
  readonly output?: string
}

const EXAMPLES = `
Examples:
  lmrun report lmrun-out
  lmrun report lmrun-out --markdown > comment.md
  lmrun report results.json --output rendered

Exit code: 0 done, 1 the files could not be written, 2 bad input.`

export function reportCommand(): Command {
  return new Command('report')
    .description('Show the report of a run again, from its results.json')
    .argument('<path>', 'a results.json, or the folder that holds one')
    .option('--html', 'print report.html')
    .option('--markdown', 'print report.md')
    .option('--json', 'print results.json')
    .option('--output <dir>', 'write report.md, report.html and results.json there')
    .addHelpText('after', EXAMPLES)
    .action(report)
}

async function report(target: string, flags: Flags): Promise<void> {
  refuseSeveralFormats(flags)
  const { readResults } = await import('../report/read.ts')
  const results = await readResults(target)
  if (flags.output !== undefined) {
    const { writeReport } = await import('../report/write.ts')
    await writeReport(flags.output, results)
  }
  process.stdout.write(await render(results, flags))
}

function refuseSeveralFormats({ html, markdown, json }: Flags): void {
  const given = Object.entries({ html, markdown, json }).flatMap(([name, on]) => (on ? [`--${name}`] : []))
  if (given.length < 2) return
  throw new InputError([
    { where: given.join(' '), what: 'only one format can be printed', allowed: 'Give one of them.' },
  ])
}

async function render(results: Results, flags: Flags): Promise<string> {
  if (flags.json) return `${JSON.stringify(results, null, 2)}\n`
  if (flags.html) return (await import('../report/html.ts')).renderHtml(results)
  if (flags.markdown)
    return (await import('../report/markdown.ts')).renderReport(results, { limit: Infinity })
  return (await import('../report/terminal.ts')).renderTerminal(results)
}
