import type { VmFile } from '../../fleet.ts'
import type { BoundTask } from '../../task.ts'
import { REMOTE } from '../render/remote-paths.ts'
import { assignments, quote } from './quote.ts'

/** What is run on VMs, as text for their bash. A job's folder holds `run.sh`, `log`, `pid` and at its end `exit`. */

/** Of SkyPilot's jobs, and so of ours. */
export const WORK_FOLDER = 'sky_workdir'
const JOBS = '.lmrun/jobs'
/** How long one call waits for a job's end. */
export const WAIT_SECONDS = 240
/** What a log may take of this machine. */
const MAX_LOG_BYTES = 4 * 1024 * 1024

/**
 * A job in a session of its own, which goes on when the connection ends. It ends with its folder: a VM that ends
 * without ending its processes (a Slurm allocation) takes them along by that.
 */
export function startScript(id: number, { template, envs, secrets }: BoundTask): string {
  return `set -e
umask 077
{ [ ! -f ~/.bashrc ] || . ~/.bashrc; } < /dev/null > /dev/null 2>&1 || true
job=~/${JOBS}/${id}
mkdir -p ~/${JOBS} ~/${WORK_FOLDER}
mkdir "$job"
printf %s ${quote(template.run)} > "$job/run.sh"
[ ! -f ~/${REMOTE.env} ] || . ~/${REMOTE.env}
${assignments({ ...envs, ...secrets })}
umask 022
cd ~/${WORK_FOLDER}
: > "$job/log"
setsid nohup bash -c ${quote(KEEPER)} lmrun "$job" < /dev/null > /dev/null 2>&1 &
until [ -s "$job/pid" ]; do sleep 0.05; done
`
}

const KEEPER = `job=$1
echo $$ > "$job/pid.new" && mv "$job/pid.new" "$job/pid"
bash "$job/run.sh" >> "$job/log" 2>&1 &
run=$!
{ while [ -d "$job" ]; do sleep 2; done; kill -KILL -- -$$; } &
watch=$!
wait $run
echo $? > "$job/exit.new" && mv "$job/exit.new" "$job/exit"
kill $watch
`

/** Prints one line: `ended CODE`, `setup CODE` (failed), `dead`, `running`, `settingUp`, `pending` or `none`. */
export function stateScript(id: number): string {
  return `${look(id)}
look
`
}

/** The same, at the job's end, or when some minutes are over. */
export function waitScript(id: number): string {
  return `${look(id)}
for n in $(seq ${WAIT_SECONDS * 2}); do
  seen=$(look)
  case "$seen" in running|settingUp|pending) sleep 0.5 ;; *) break ;; esac
done
echo "$seen"
`
}

function look(id: number): string {
  return id === 1 ? LOOK_AT_LAUNCH : lookAtJob(id)
}

/** A process may write how it ended just before it is looked for and not found: so that is read once more. */
function lookAtJob(id: number): string {
  return `job=~/${JOBS}/${id}
end() { [ -s "$job/exit" ] && echo "ended $(cat "$job/exit")"; }
look() {
  if end; then return; fi
  if [ ! -d "$job" ]; then echo none; return; fi
  if [ ! -s "$job/pid" ]; then echo pending; return; fi
  if kill -0 "$(cat "$job/pid")" 2> /dev/null; then echo running; return; fi
  sleep 0.5; end || echo dead
}`
}

const LOOK_AT_LAUNCH = `end() { [ -s ~/${REMOTE.runExit} ] && echo "ended $(cat ~/${REMOTE.runExit})"; }
look() {
  if end; then return; fi
  if [ -s ~/${REMOTE.setupExit} ] && [ "$(cat ~/${REMOTE.setupExit})" != 0 ]; then echo "setup $(cat ~/${REMOTE.setupExit})"; return; fi
  if [ -s ~/${REMOTE.runPid} ]; then
    if kill -0 "$(cat ~/${REMOTE.runPid})" 2> /dev/null; then echo running; return; fi
    sleep 2; end || echo dead; return
  fi
  if [ -s ~/${REMOTE.setupExit} ]; then echo running; return; fi
  if [ -d ~/${REMOTE.setupExit.replace(/\/[^/]*$/, '')} ]; then echo settingUp; else echo pending; fi
}`

/** The end of a log; of the launch's own job SkyPilot keeps it. */
export function tailScript(id: number, lines: number): string {
  const log =
    id === 1 ? '$(ls -t ~/sky_logs/*/run.log 2> /dev/null | head -n 1)' : `$(echo ~/${JOBS}/${id}/log)`
  return `log="${log}"
[ ! -f "$log" ] || tail -c ${MAX_LOG_BYTES} "$log" | tail -n ${Math.max(0, Math.floor(lines))}
`
}

/** Prints `file` or `folder`, and on a second line the absolute path; nothing when it is not there. */
export function findScript(from: string): string {
  return `cd ~/${WORK_FOLDER} 2> /dev/null || exit 0
from=${quote(from)}
if [ -d "$from" ]; then echo folder; elif [ -f "$from" ]; then echo file; else exit 0; fi
case "$from" in /*) echo "$from" ;; *) echo "$PWD/$from" ;; esac
`
}

/** Makes the folder above a path, and prints the path, absolute. */
export function placeScript(to: string): string {
  return `set -e
mkdir -p ~/${WORK_FOLDER}
cd ~/${WORK_FOLDER}
to=${quote(to)}
mkdir -p "$(dirname "$to")"
case "$to" in /*) echo "$to" ;; *) echo "$PWD/$to" ;; esac
`
}

/** `printf` is the shell's own: what the files hold is in no argv. */
export function handScript(files: readonly VmFile[]): string {
  return `set -e
umask 077
hand() {
  mkdir -p "$(dirname "$1")"
  rm -f "$1.new"
  printf %s "$2" > "$1.new" && mv "$1.new" "$1"
}
${files.map(({ path, content }) => `hand ~/${quote(path)} ${quote(content)}`).join('\n')}
`
}

export const FACTS_SCRIPT = `[ ! -f ~/${REMOTE.facts} ] || cat ~/${REMOTE.facts}
`
