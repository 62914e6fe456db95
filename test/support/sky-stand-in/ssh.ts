/** `ssh [options] NAME COMMAND…` to a machine of the stand-in cloud; 255 when it cannot be reached. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import net from 'node:net'
import { placeOf, sshConfig } from './place.ts'
import { ask, connect } from './wire.ts'

/** Options that take a value: ssh(1). */
const VALUED = 'BbcDEeFIiJLlmOoPpQRSWw'

const { host, command, control, config, forwards } = parse(process.argv.slice(2))
if (control) process.exit(255) // No connection is shared.
const place = placeOf(process.env)
if (!existsSync(config ?? sshConfig(place, host))) {
  fail(`ssh: Could not resolve hostname ${host}: Name or service not known`)
}
try {
  for (const forward of forwards) await open(forward)
  const wire = await connect(place.cloud)
  wire.send({ call: 'ssh', name: host, command })
  process.stdin.on('data', (chunk: Buffer) => wire.send({ input: chunk.toString('base64') }))
  process.stdin.on('end', () => wire.send({ input: null }))
  for await (const message of wire) {
    if (typeof message.out === 'string') process.stdout.write(Buffer.from(message.out, 'base64'))
    if (typeof message.err === 'string') process.stderr.write(Buffer.from(message.err, 'base64'))
    if (typeof message.error === 'string') fail(message.error)
    if (typeof message.exit === 'number') exit(message.exit)
  }
  fail(`client_loop: send disconnect: Broken pipe`)
} catch (error) {
  fail(String(error))
}

function parse(args: readonly string[]) {
  let config: string | undefined
  let control = false
  const forwards: string[] = []
  const rest = [...args]
  while (rest[0]?.startsWith('-')) {
    const option = rest.shift() ?? ''
    if (option === '--') break
    const letter = option.at(-1) ?? ''
    const value = VALUED.includes(option[1] ?? '') && option.length > 2 ? option.slice(2) : undefined
    const given = value ?? (VALUED.includes(letter) ? rest.shift() : undefined)
    if (option.startsWith('-F')) config = given
    if (option.startsWith('-O')) control = true
    if (option.startsWith('-L')) forwards.push(given ?? '')
  }
  const [host = '', ...command] = rest
  return { host: host.replace(/^.*@/, ''), command: command.join(' '), control, config, forwards }
}

/** `HERE:PORT:127.0.0.1:PORT`, to the machine's own loopback. */
async function open(forward: string): Promise<void> {
  const [address = '', local, there, port] = forward.split(':')
  if (there !== '127.0.0.1' || !port) fail(`Bad local forwarding specification '${forward}'`)
  const to = await ask<number>(place.cloud, { call: 'forward', name: host, port: Number(port) })
  const server = net.createServer(incoming => {
    const outgoing = net.connect(to, '127.0.0.1')
    incoming.pipe(outgoing).pipe(incoming)
    incoming.on('error', () => outgoing.destroy())
    outgoing.on('error', () => incoming.destroy())
  })
  server.listen(Number(local), address)
  await once(server, 'listening')
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`)
  process.exit(255)
}

/** Pipes are written before the process ends. */
function exit(code: number): void {
  process.stdin.destroy()
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}
