import { createHash } from 'node:crypto'
import { SERVER_KEY } from './api-key.ts'
import { InputError, LmrunError, type Problem } from './errors.ts'
import type { Fleet, LaunchRequest, Preflight } from './fleet/fleet.ts'
import { canJoin, MESH_CLOUDS } from './fleets.ts'
import { readKubeconfig } from './kubeconfig.ts'
import { loadQuestions } from './livebench/questions.ts'
import { connectMesh } from './mesh/connection.ts'
import { allInfra, type BenchOptions, fleetKind, isHub, questionFilter } from './options.ts'
import { checkOutput } from './output.ts'
import { type Plan, TEARDOWN_MINUTES } from './plan.ts'
import { dollars } from './report/numbers.ts'
import { nameClashes, warmVmName } from './run.ts'
import type { Story } from './story.ts'

/** The questions that a run asks, for its results. */
export interface QuestionSet {
  readonly count: number
  /** Over the sorted question ids, one a line. */
  readonly sha256: string
}

export interface CheckDeps {
  readonly fleet: Fleet
  readonly label: (option: string) => string
  readonly story: Story
}

/** All VMs that a run launches. */
export function requestsOf({ mesh, client, models }: Plan): readonly LaunchRequest[] {
  const main = mesh.kind === 'main' ? [mesh.main] : []
  return [...main, client, ...models.map(({ server }) => server)]
}

/**
 * Everything that can be refused is refused here, before anything is launched or written.
 * @returns null for questions that only the client will know
 * @throws InputError with all problems at once
 */
export async function check(
  options: BenchOptions,
  plan: Plan,
  { fleet, label, story }: CheckDeps,
): Promise<QuestionSet | null> {
  const requests = requestsOf(plan)
  const output = await checkOutput(options.outputDirectory, label('output-directory'))
  const [loaded, mesh, ...templates] = await Promise.allSettled([
    isHub(options) ? null : loadQuestions(options.questions, questionFilter(options)),
    meshAnswers(plan, label('mesh-kubeconfig')),
    ...requests.map(request => fleet.check(request)),
  ])
  const problems = [
    ...clashes(Object.keys(options.models), label('models')),
    ...takenNames(plan, label('models')),
    ...keylessReuse(options, label('reuse')),
    ...hublessClient(options, label('questions')),
    ...meshless(options, label),
    ...(output ? [output] : []),
    ...[loaded, mesh, ...templates].flatMap(problemsOf),
  ]
  const sound = requests.filter((_, n) => templates[n]?.status === 'fulfilled')
  const [ahead] = await Promise.allSettled([lookAhead(options, sound, fleet)])
  const refused = [...problems, ...cloudProblems(ahead, problems)]
  if (refused.length > 0 || loaded.status === 'rejected') throw new InputError(unique(refused))
  if (ahead.status === 'fulfilled' && ahead.value) tell(ahead.value, requests, { options, story })
  return loaded.value && summarise(loaded.value.map(question => question.question_id))
}

/** The cloud is asked for every VM whose template is right, also when something else is not: one round of problems. */
async function lookAhead(
  { maxHourlyCost, maxMinutes }: BenchOptions,
  requests: readonly LaunchRequest[],
  fleet: Fleet,
): Promise<Preflight | null> {
  if (!fleet.preflight || requests.length === 0) return null
  return fleet.preflight(requests, {
    ...(maxHourlyCost === undefined ? {} : { maxHourlyCost }),
    minutes: maxMinutes + TEARDOWN_MINUTES,
  })
}

/** That it could not be asked at all is told only when nothing else is wrong. */
function cloudProblems(ahead: PromiseSettledResult<unknown>, others: readonly Problem[]): readonly Problem[] {
  const failed = ahead.status === 'rejected' && !(ahead.reason instanceof InputError)
  return failed && others.length > 0 ? [] : problemsOf(ahead)
}

function tell(
  { checks, offers }: Preflight,
  requests: readonly LaunchRequest[],
  { options, story }: { readonly options: BenchOptions; readonly story: Story },
): void {
  for (const { what, status, detail, hint } of checks) {
    const text = [`${what}: ${detail}`, hint].filter(Boolean).join('. ')
    if (status === 'warning') story.warn(text)
    else if (status === 'unknown') story.tell(text)
  }
  if (offers.length === 0) return
  const hourly = offers.reduce((sum, offer) => sum + offer.hourly, 0)
  const most = (hourly * (options.maxMinutes + TEARDOWN_MINUTES)) / 60
  const rest = requests.length > offers.length ? ', without the VMs whose price is not known' : ''
  story.update('run', `about ${dollars(hourly)} an hour, ${dollars(most)} at the most${rest}`)
}

/** The next run must know the key that a warm server was started with. */
function keylessReuse(options: BenchOptions, where: string): Problem[] {
  if (!options.reuse || fleetKind(options) === 'local' || options.secrets.includes(SERVER_KEY)) return []
  const allowed = `Make a key, give it to the run as the environment variable ${SERVER_KEY}, and name it in secrets`
  return [{ where, what: 'a warm server needs a key that the next run knows, too', allowed }]
}

/** The bundled client of this machine has lmrun's own graders, which do not know all of LiveBench's tasks. */
function hublessClient(options: BenchOptions, where: string): Problem[] {
  if (!isHub(options) || fleetKind(options) !== 'local' || options.clientTemplate !== undefined) return []
  const allowed =
    'Give infra for VMs, a client-template that knows what "hub" is, or a folder with the questions'
  return [{ where, what: '"hub" takes the real LiveBench, which infra "local" does not bring', allowed }]
}

/** A mesh was asked for by name, and not all VMs can be in it. */
function meshless(options: BenchOptions, label: (option: string) => string): Problem[] {
  const { mesh, meshKubeconfig } = options
  const asked = mesh !== 'auto' && mesh !== 'off' ? 'mesh' : 'mesh-kubeconfig'
  if (asked === 'mesh-kubeconfig' && meshKubeconfig === undefined) return []
  const where = label(asked)
  const outside = allInfra(options).filter(infra => !canJoin(infra))
  if (outside.length === 0) return []
  const what = `VMs of ${outside.join(', ')} cannot join a mesh: they are no machines of their own`
  return [{ where, what, allowed: `Leave it out, or give places of ${MESH_CLOUDS.join(', ')} alone` }]
}

/** A mesh that is up is asked before any VM is launched to join it. */
async function meshAnswers({ mesh }: Plan, where: string): Promise<void> {
  if (mesh.kind !== 'shared') return
  const kubeconfig = await readKubeconfig(mesh.kubeconfig, where)
  await connectMesh(kubeconfig).catch(cause => {
    if (!(cause instanceof LmrunError)) throw cause
    const allowed = cause.hint ?? 'Give the kubeconfig of a mesh that is up'
    throw new InputError([{ where, what: cause.message, allowed }], { cause })
  })
}

function clashes(keys: readonly string[], where: string): Problem[] {
  return nameClashes(keys).map(([a, b]) => ({
    where,
    what: `the keys "${a}" and "${b}" would get the same VM name`,
    allowed: 'Make them differ in letters or digits, not only in case or punctuation',
  }))
}

/** What a run calls VMs of its own, in their names and in its story. */
const OWN = ['client', 'main']

function takenNames({ mesh, client, models }: Plan, where: string): Problem[] {
  const own = [client.name, ...(mesh.kind === 'main' ? [mesh.main.name] : [])]
  const isTaken = (key: string, name: string) => OWN.includes(warmVmName(key)) || own.includes(name)
  return models
    .filter(({ key, server }) => isTaken(key, server.name))
    .map(({ key }) => ({
      where,
      what: `the key "${key}" would give the model's server the name of a VM that the run has anyway`,
      allowed: `Give it another key than ${OWN.join(', ')}, and another than the name of the mesh`,
    }))
}

function problemsOf(result: PromiseSettledResult<unknown>): readonly Problem[] {
  if (result.status === 'fulfilled') return []
  if (result.reason instanceof InputError) return result.reason.problems
  throw result.reason
}

/** Two models with one template report its problems twice. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map(problem => [JSON.stringify(problem), problem])).values()]
}

function summarise(ids: readonly string[]): QuestionSet {
  const sha256 = createHash('sha256').update(ids.toSorted().join('\n')).digest('hex')
  return { count: ids.length, sha256 }
}
