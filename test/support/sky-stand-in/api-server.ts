/**
 * SkyPilot's API server: a daemon that goes on with each request until it is done, whether anybody still listens or
 * not. Only `sky down` of the VM, or `sky api cancel`, ends a launch.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseSkyArgs, type SkyArgs } from './args.ts'
import { COMMANDS } from './commands.ts'
import { Db } from './db.ts'
import { apiSocket, placeOf } from './place.ts'
import { refreshAll } from './refresh.ts'
import { type Request, Server } from './server.ts'
import { listen, type Message, type Wire } from './wire.ts'

/** How often it compares all it knows with the cloud, in SkyPilot's seconds. */
const REFRESH_S = 60

const place = placeOf(process.env)
const socket = apiSocket(place)
const server = new Server(place, new Db(place))
const own = path.join(place.sky, 'api_server', 'pid')
// Two clients may start one each: the second serves nobody.
if (!claim()) process.exit()
rmSync(socket, { force: true }) // Of one that was killed.
const listener = await listen(socket, serve)
process.on('SIGTERM', stop)
setInterval(() => void refreshAll(server).catch(() => {}), (REFRESH_S * 1000) / place.speed)

async function serve(wire: Wire): Promise<void> {
  for await (const message of wire) {
    return wire.send({ exit: await answer(message, wire) })
  }
}

async function answer(message: Message, wire: Wire): Promise<number> {
  const out = (text: string) => wire.send({ out: text })
  const err = (text: string) => wire.send({ err: text })
  let args: SkyArgs
  try {
    args = parseSkyArgs(message.args as readonly string[])
  } catch (error) {
    err(`${(error as Error).message}\n`)
    return 2
  }
  if (args.command === 'api' && args.rest[0] === 'stop') {
    out('✓ SkyPilot API server stopped.\n')
    wire.socket.end(`${JSON.stringify({ exit: 0 })}\n`, stop)
    return 0
  }
  const request: Request = server.open(args, { ...message, out, err })
  try {
    return await COMMANDS[args.command](server, request)
  } catch (error) {
    err(`${(error as Error).message}\n`)
    return 1
  } finally {
    server.close(request)
  }
}

/** One server a home; a killed one's claim is void. */
function claim(): boolean {
  try {
    writeFileSync(own, String(process.pid), { flag: 'wx' })
    return true
  } catch {
    const pid = readFileSync(own, 'utf8')
    if (pid === '' || existsSync(`/proc/${pid}`)) return false
    rmSync(own, { force: true })
    return claim()
  }
}

function stop(): never {
  listener.close()
  rmSync(own, { force: true })
  rmSync(socket, { force: true })
  process.exit()
}
