/** What a VM has around itself: the metadata of its cloud, SkyPilot's own port, a service with a socket. */
import { chmodSync } from 'node:fs'
import { createServer } from 'node:net'

const WHERE = [
  { host: '169.254.169.254', port: 80 },
  { host: 'fd00:ec2::254', port: 80 },
  { host: '127.0.0.1', port: 46590 },
  { path: '/run/service.sock' },
]

const listening = WHERE.map(where => {
  const server = createServer(socket => socket.on('error', () => {}).end('CREDENTIALS OF THE VM'))
  return new Promise(resolve => server.listen(where, resolve))
})
await Promise.all(listening)
chmodSync('/run/service.sock', 0o777)
console.log('listening')
