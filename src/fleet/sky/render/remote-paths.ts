/**
 * What a rendered task leaves on its VM, below `~/.lmrun/launch/`: how its setup and its run stand, without asking
 * SkyPilot. Each file appears whole (written beside, then renamed); a launch that adopts a VM removes those of the last.
 */
export const LAUNCH_FOLDER = '.lmrun/launch'

/** Relative to the VM's home, which on Slurm is the allocation's own. */
export const REMOTE = {
  /** Exit code of setup, in decimal; absent while it goes on. Not 0: there will be no run. */
  setupExit: `${LAUNCH_FOLDER}/setup.exit`,
  /** Process id of the user's run; absent before it starts. Its process is a child of SkyPilot's job. */
  runPid: `${LAUNCH_FOLDER}/run.pid`,
  /**
   * Exit code of run, in decimal; 128 + N when signal N ended it. Absent while it goes on, and for ever when its
   * parent was killed with it: then nothing lives under `runPid`.
   */
  runExit: `${LAUNCH_FOLDER}/run.exit`,
  /** A `VmFacts` as JSON: there from the moment that run begins. */
  facts: `${LAUNCH_FOLDER}/vm.json`,
  /** For bash to source: the fleet's variables (`LMRUN_PORT_<port>`, `SKYPILOT_…`), for jobs beside the launch's own. */
  env: `${LAUNCH_FOLDER}/job.env`,
  /** There when setup armed the machine's own shutdown; what `disarm` takes back. */
  armed: `${LAUNCH_FOLDER}/shutdown.armed`,
} as const

/**
 * Values of a launch's secrets, for bash to source (0600): the run hands them over when `sky launch` has returned, and
 * setup waits for them. They stay as long as the VM, whose job may start again. Each launch has a file of its own: one
 * into a VM that is up must not take the values of the last.
 */
export function secretsFile(launch: string): string {
  return `${LAUNCH_FOLDER}/secrets.${launch}`
}

/** Names the launch, for its own setup and run; without it a template was launched by hand. */
export const LAUNCH_VARIABLE = 'LMRUN_LAUNCH'

/**
 * Takes back the armed shutdown, as a script for the VM's bash; exit code 0 when none is armed (any more).
 * By the same `shutdown` on PATH that armed it.
 */
export const DISARM_SCRIPT = `
if [ -e ~/${REMOTE.armed} ]; then
  if [ "$(id -u)" = 0 ]; then shutdown -c; else sudo -n shutdown -c; fi && rm -f ~/${REMOTE.armed}
fi
`
