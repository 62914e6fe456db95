import { createHash } from 'node:crypto'
import { DEDICATED } from './clouds.ts'
import { LAUNCH_FOLDER, LAUNCH_VARIABLE, REMOTE, secretsFile } from './remote-paths.ts'

/**
 * The user's setup and run, each in a bash of its own: whatever they do (`exit`, `exec`, traps, `set -e`, a syntax
 * error), what comes after them still happens. Their output, input, exit code and signals are as without us.
 */

/** Seconds that setup waits for secrets: longer than the run tries to hand them over. */
export const SECRETS_WAIT_S = 600

/**
 * @param leaseMinutes after which a dedicated VM shuts itself down, as long as nobody takes that back
 * @param secretNames of those that are handed over: setup begins when they are there
 */
export function setupScript(
  setup: string,
  leaseMinutes: number,
  secretNames: readonly string[] = [],
): string {
  return `${CLOUD}
mkdir -p ~/${LAUNCH_FOLDER} && chmod 700 ~/${LAUNCH_FOLDER}
rm -f ${Object.values(REMOTE)
    .map(file => `~/${file}`)
    .join(' ')}
case "$lmrun_cloud" in
  ${DEDICATED.join('|')})
    lmrun_sudo=sudo; [ "$(id -u)" != 0 ] || lmrun_sudo=
    if $lmrun_sudo shutdown -P +${Math.ceil(leaseMinutes)} > /dev/null 2>&1; then : > ~/${REMOTE.armed}; fi ;;
esac
${secretsFor(secretNames)}
${secretNames.length > 0 ? awaitSecrets(secretNames) : ''}
${child('setup', setup)}
${record('"$lmrun_code"', REMOTE.setupExit)}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`
}

/** @param ports as the template declares them */
export function runScript(
  run: string,
  ports: readonly number[],
  secretNames: readonly string[] = [],
): string {
  return `${CLOUD}
mkdir -p ~/${LAUNCH_FOLDER}
lmrun_used() { (: < "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }
lmrun_free() {
  local port=$((20000 + RANDOM % 10000))
  while lmrun_used "$port"; do port=$((20000 + RANDOM % 10000)); done
  echo "$port"
}
# VMs that share a host cannot all have the declared port; a pod's is its own, and only taken by something in it.
lmrun_port() {
  case "$lmrun_cloud" in
    slurm) lmrun_free ;;
    kubernetes|ssh) if lmrun_used "$1"; then lmrun_free; else echo "$1"; fi ;;
    *) echo "$1" ;;
  esac
}
lmrun_ports=
${ports
  .map(
    port => `export LMRUN_PORT_${port}="$(lmrun_port ${port})"
lmrun_ports="$lmrun_ports\${lmrun_ports:+, }\\"${port}\\": $LMRUN_PORT_${port}"`,
  )
  .join('\n')}
lmrun_address="\${SKYPILOT_NODE_IPS:-127.0.0.1}"; lmrun_address="\${lmrun_address%%[!0-9a-fA-F.:]*}"
printf '{"address": "%s", "ports": {%s}}\\n' "$lmrun_address" "$lmrun_ports" > ~/${REMOTE.facts}.new
for lmrun_name in \${!LMRUN_PORT_*} \${!SKYPILOT_*}; do
  printf 'export %s=%q\\n' "$lmrun_name" "\${!lmrun_name}"
done > ~/${REMOTE.env}.new
mv ~/${REMOTE.env}.new ~/${REMOTE.env} && mv ~/${REMOTE.facts}.new ~/${REMOTE.facts}
${secretsFor(secretNames)}
${child('run', run, `~/${REMOTE.runPid}`)}
${record('"$lmrun_code"', REMOTE.runExit)}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`
}

/** SkyPilot says on which cloud the VM is; the template may have left that open. */
const CLOUD = `lmrun_cloud=$(printf %s "\${SKYPILOT_CLUSTER_INFO:-}" | sed -n 's/.*"cloud": *"\\([^"]*\\)".*/\\1/p' | tr '[:upper:]' '[:lower:]')`

/** A template that is launched by hand finds its secrets in its environment. */
function secretsFor(names: readonly string[]): string {
  if (names.length === 0) return 'lmrun_secrets=/dev/null'
  return `lmrun_secrets=\${${LAUNCH_VARIABLE}:+$HOME/${secretsFile(`$${LAUNCH_VARIABLE}`)}}
lmrun_secrets=\${lmrun_secrets:-/dev/null}`
}

function awaitSecrets(names: readonly string[]): string {
  return `for ((lmrun_second = 0; lmrun_second < ${SECRETS_WAIT_S}; lmrun_second++)); do
  [ ! -r "$lmrun_secrets" ] || break
  sleep 1
done
if [ ! -r "$lmrun_secrets" ]; then
  echo "lmrun: the secrets (${names.join(', ')}) did not come within ${SECRETS_WAIT_S / 60} minutes: the run that launched this VM has ended, or cannot reach it over ssh" >&2
  ${record('1', REMOTE.setupExit)}
  exit 1
fi`
}

/** @param value as a word of bash */
function record(value: string, file: string): string {
  return `echo ${value} > ~/${file}.new && mv ~/${file}.new ~/${file}`
}

/** The process id is noted, where that is wanted; secrets are the user's script's alone. */
const START = `[ -z "$3" ] || { echo "$$" > "$3.new" && mv "$3.new" "$3"; }; . "$2" && exec bash "$1"`

/** Our own bash says on its standard error when a signal ended its child; the user's keeps the real one. */
function child(phase: 'setup' | 'run', script: string, pidFile = "''"): string {
  const file = `~/${LAUNCH_FOLDER}/${phase}.sh`
  const end = delimiter(script)
  const body = script.endsWith('\n') || script === '' ? script : `${script}\n`
  return `cat > ${file} << '${end}'
${body}${end}
{ bash -c '${START}' bash ${file} "$lmrun_secrets" ${pidFile} 2>&3 3>&-; lmrun_code=$?; } 3>&2 2> /dev/null`
}

/** A line that the script does not have. */
function delimiter(script: string): string {
  const name = `LMRUN_${createHash('sha256').update(script).digest('hex').slice(0, 12).toUpperCase()}`
  return script.includes(name) ? delimiter(`${script}.`) : name
}
