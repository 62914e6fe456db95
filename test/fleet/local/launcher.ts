// Launches one VM and stays: the parent that a test kills. `node launcher.ts <home> <vmEntry> <request as JSON>`
import { createLocalFleet } from '../../../src/fleet/local/local.ts'

const [home = '', vmEntry = '', request = '{}'] = process.argv.slice(2)
const fleet = createLocalFleet({
  home,
  runtime: { vmEntry, cliEntry: vmEntry, node: process.execPath },
  graceMs: 500,
})
const launched = fleet.launch(JSON.parse(request), new AbortController().signal)
console.log('launching')
await launched
console.log('launched')
setInterval(() => {}, 1000)
