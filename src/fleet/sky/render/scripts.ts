import { createHash } from 'node:crypto'
import { DEDICATED } from './clouds.ts'
import { LAUNCH_FOLDER, REMOTE } from './remote-paths.ts'

/**
 * The user's setup and run, each in a bash of its own: whatever they do (`exit`, `exec`, traps, `set -e`, a syntax
 * error), what comes after them still happens. Their output, input, exit code and signals are as without us.
 */

/** @param leaseMinutes after which a dedicated VM shuts itself down, as long as nobody takes that back */
export function setupScript(setup: string, leaseMinutes: number): string {
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
${child('setup', setup)}
echo "$lmrun_code" > ~/${REMOTE.setupExit}.new && mv ~/${REMOTE.setupExit}.new ~/${REMOTE.setupExit}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`
}

/** @param ports as the template declares them */
export function runScript(run: string, ports: readonly number[]): string {
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
${child('run', run, REMOTE.runPid)}
echo "$lmrun_code" > ~/${REMOTE.runExit}.new && mv ~/${REMOTE.runExit}.new ~/${REMOTE.runExit}
[ "$lmrun_code" = 0 ] || exit "$lmrun_code"
`
}

/** SkyPilot says on which cloud the VM is; the template may have left that open. */
const CLOUD = `lmrun_cloud=$(printf %s "\${SKYPILOT_CLUSTER_INFO:-}" | sed -n 's/.*"cloud": *"\\([^"]*\\)".*/\\1/p' | tr '[:upper:]' '[:lower:]')`

/** Our own bash says on its standard error when a signal ended its child; the user's keeps the real one. */
function child(phase: string, script: string, pidFile?: string): string {
  const file = `~/${LAUNCH_FOLDER}/${phase}.sh`
  const end = delimiter(script)
  const body = script.endsWith('\n') || script === '' ? script : `${script}\n`
  const start =
    pidFile === undefined
      ? `bash ${file}`
      : `bash -c 'echo "$$" > "$1.new" && mv "$1.new" "$1"; exec bash "$2"' bash ~/${pidFile} ${file}`
  return `cat > ${file} << '${end}'
${body}${end}
{ ${start} 2>&3 3>&-; lmrun_code=$?; } 3>&2 2> /dev/null`
}

/** A line that the script does not have. */
function delimiter(script: string): string {
  const name = `LMRUN_${createHash('sha256').update(script).digest('hex').slice(0, 12).toUpperCase()}`
  return script.includes(name) ? delimiter(`${script}.`) : name
}
