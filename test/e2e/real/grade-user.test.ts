/** What code that a model wrote can do on a client VM, once it is out of the sandbox: a real machine, real users. */
import path from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { LAYERS } from '../../../src/livebench/grade/sandbox/probe.ts'
import { fixture, rows } from '../../livebench/grade/support.ts'
import { type Machine, startMachine } from '../../support/machine/machine.ts'

/** In the machine. */
const root = '/repository'
const support = `${root}/test/support/machine`
const TASK = 'data/live_bench/language/typos'
const JUDGMENTS = `sky_workdir/${TASK}/model_judgment/ground_truth_judgment.jsonl`
const KEPT = '{"model": "b", "score": 1}\n'

/** As SkyPilot and a run leave it: credentials, another model's answers, lmrun. */
const HOME = `install -d -m 700 .aws .sky .ssh
mkdir -p .lmrun/launch "sky_workdir/${TASK}/model_answer" "$(dirname ${JUDGMENTS})"
for file in .aws/credentials .sky/config.yaml .ssh/id_ed25519 .lmrun/launch/secrets; do echo MINE > "$file"; done
echo '{}' | tee sky_workdir/${TASK}/model_answer/{a,b}.jsonl > /dev/null
for who in hostile waiting; do
  mkdir -p "$who/dist/cli"
  echo '{"type": "module"}' > "$who/package.json"
done
cp ${support}/hostile.mjs hostile/dist/cli/index.js
echo 'console.log("waiting"); setInterval(() => {}, 60_000)' > waiting/dist/cli/index.js
mkdir -p .lmrun/package/dist .lmrun/package/templates/local
cp -r ${root}/{action.yml,package.json,questions} .lmrun/package
cp -r ${root}/dist/cli .lmrun/package/dist
cp -r ${root}/templates/local/sandbox .lmrun/package/templates/local
cp -r ${root}/templates/client .lmrun
chmod 755 .lmrun/client/*.sh`

/** `data` alone: no link to a secret as grade.json, no folder of a user. */
const LEFT = 'ls sky_workdir; find /tmp -maxdepth 1 -name "lmrun-*"'

type Who = Parameters<Machine['run']>[0]
let machine: Machine

beforeAll(async () => {
  machine = await startMachine()
  await must('root', 'install -d -m 1777 /var/open; touch /etc/victim; chown vm /etc/victim')
  await must('vm', HOME)
  await must('root', background(`node ${support}/services.mjs`, '/run/services.log', 'listening'))
}, 300_000)
afterAll(() => machine?.[Symbol.asyncDispose]())

beforeEach(async () => {
  // As on images where users can look into each other's homes.
  await must('vm', `chmod 755 ~; echo '${KEPT.trim()}' > ${JUDGMENTS}; rm -f sky_workdir/grade.json`)
  await must('root', 'rm -rf /var/open/*')
})

/** Starts it, and waits for a word of its output. */
const background = (command: string, log: string, word: string) =>
  `${command} < /dev/null > ${log} 2>&1 & until grep -q ${word} ${log}; do kill -0 $! || exit 1; sleep 0.1; done`

async function must(who: Who, script: string): Promise<string> {
  const { code, out, err } = await machine.run(who, `cd; set -e; ${script}`)
  if (code !== 0) throw new Error(`${script}: ${code}\n${out}${err}`)
  return out
}

/** Commands of what lives in the machine. */
async function alive(what: RegExp): Promise<readonly string[]> {
  const lines = (await must('root', 'ps -eo stat=,args=')).split('\n')
  return lines.filter(line => what.test(line) && !line.startsWith('Z'))
}

const grade = (model: string, program: string) =>
  `cd ~/sky_workdir; LMRUN_PACKAGE=~/${program} LMRUN_GRADE_DIR=/opt/${path.basename(program)} exec ~/.lmrun/client/grade.sh ${model} smoke --model ${model}`

/** Runs what is hostile while another model's server is asked, and yet another one is graded. */
async function attack(who: Who, script: string) {
  const other = `setsid bash -c '${grade('b', 'waiting')}'`
  await must(who, `${background(other, '/tmp/b.log', 'waiting')}; echo $! > /tmp/b.pid`)
  await must(
    who,
    'API_KEY=KEY-OF-THE-SERVER sleep 88888 < /dev/null > /dev/null 2>&1 & echo $! > /etc/victim',
  )
  const { out, err } = await machine.run(who, script)
  const after = {
    got: gotten(out),
    warnings: err.split('\n').filter(line => line.startsWith('apart:')),
    daemons: (await alive(/sleep 77777/)).length,
    victims: (await alive(/sleep 88888/)).length,
    judgments: await must('root', `cat ~vm/${JUDGMENTS}`),
  }
  await must('root', 'pkill -KILL -f "^sleep (77777|88888)" || true')
  await endOther()
  return after
}

/** As a job ends: its processes are killed, without a chance to do anything. What root runs for it ends all the same. */
async function endOther(): Promise<void> {
  await must('vm', 'kill -KILL -- -$(cat /tmp/b.pid)')
  await expect.poll(() => alive(/waiting/), { timeout: 60_000 }).toEqual([])
}

/** Names of the attempts that got something, and all. */
function gotten(out: string) {
  const line = out.split('\n').find(text => text.startsWith('{')) ?? '{}'
  const all = Object.entries(JSON.parse(line) as Record<string, unknown>)
  return { all: all.map(([what]) => what), these: all.flatMap(([what, got]) => (got === null ? [] : [what])) }
}

describe('code of a model that got out of the sandbox', () => {
  it('gets everything that it tries where nothing but the sandbox held it', async () => {
    const direct = 'rm -rf /tmp/direct; cp -r ~/sky_workdir /tmp/direct; cd /tmp/direct'
    const { got, daemons, victims, judgments } = await attack(
      'vm',
      `${direct}; node ~/hostile/dist/cli/index.js`,
    )
    expect(got.all).toHaveLength(18)
    expect(got.these).toEqual(got.all)
    expect({ daemons, victims }).toEqual({ daemons: 1, victims: 0 })
    expect(judgments).not.toBe(KEPT)
  })

  it('gets nothing on a VM, and leaves nothing', async () => {
    const { got, warnings, daemons, victims, judgments } = await attack('vm', grade('a', 'hostile'))
    expect(got.all).toHaveLength(18)
    expect(got.these).toEqual([])
    expect(warnings).toEqual([])
    expect({ daemons, victims }).toEqual({ daemons: 0, victims: 1 })
    expect(judgments).toBe(`${KEPT}{"model": "a", "score": 1}\n`)
    expect(await must('vm', LEFT)).toBe('data\n')
  })

  it('gets nothing where nobody may become root, as on a shared host', async () => {
    const { got, warnings, daemons, victims, judgments } = await attack(
      'vm without sudo',
      grade('a', 'hostile'),
    )
    expect(got.these).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('no root by sudo -n')])
    expect({ daemons, victims }).toEqual({ daemons: 0, victims: 1 })
    expect(judgments).toBe(`${KEPT}{"model": "a", "score": 1}\n`)
    expect(await must('vm', LEFT)).toBe('data\n')
  })

  it('gets no files, no processes and no rights in a pod, where root may make no namespaces', async () => {
    const { got, warnings, daemons, victims, judgments } = await attack('vm in a pod', grade('a', 'hostile'))
    const network = ['by IPv4', 'by IPv6', 'by name'].map(how => `ask the metadata ${how}`)
    // Users of some machines may have no namespaces either: that is said.
    const open = warnings.some(line => line.includes('network'))
      ? [...network, 'reach a port of this machine']
      : []
    expect(warnings[0]).toContain('root may make no namespaces')
    expect(got.these).toEqual(['leave a file', ...open, 'reach a service by its socket', 'write 1.3 GB'])
    expect({ daemons, victims }).toEqual({ daemons: 0, victims: 1 })
    expect(judgments).toBe(`${KEPT}{"model": "a", "score": 1}\n`)
    expect(await must('vm', LEFT)).toBe('data\n')
  })
})

describe('the real graders', () => {
  it.each(['vm', 'vm without sudo', 'vm in a pod'] as const)(
    'work behind the walls of a %s, each layer of the sandbox included',
    async who => {
      await answerCoding()
      const { code, out, err } = await machine.run(
        who,
        `${grade('gold', '.lmrun/package')} --bench-name live_bench/coding`,
      )
      expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
      expect(out).toMatch(/graded \d+ answers of gold/)
      const scores = await must('vm', 'cat sky_workdir/data/live_bench/coding/*/model_judgment/*.jsonl')
      const judged = scores
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      expect(judged.length).toBeGreaterThan(5)
      expect(judged.filter(({ score }) => score !== 1)).toEqual([])
      const { sandbox: layers } = JSON.parse(await must('vm', 'cat sky_workdir/grade.json'))
      const { sandbox: possible } = JSON.parse(await must('vm', `${withoutWalls}; cat /tmp/open/grade.json`))
      expect(layers).toEqual(expect.arrayContaining(possible))
      expect(Object.keys(LAYERS)).toEqual(expect.arrayContaining(layers))
    },
  )
})

/** Right answers to the questions of `coding`. */
async function answerCoding(): Promise<void> {
  const golds = await rows<{ question_id: string; category: string; task: string; gold: string }>(
    fixture('smoke-gold.jsonl'),
  )
  const coding = golds.filter(({ category }) => category === 'coding')
  for (const [task, answers] of Map.groupBy(coding, one => one.task)) {
    const lines = answers.map(({ question_id, gold }) =>
      JSON.stringify({
        question_id,
        answer_id: question_id.slice(0, 8),
        model_id: 'gold',
        choices: [{ index: 0, turns: [gold] }],
        tstamp: 1,
      }),
    )
    const folder = `sky_workdir/data/live_bench/coding/${task}/model_answer`
    await must('vm', `mkdir -p ${folder}; cat > ${folder}/gold.jsonl << 'END'\n${lines.join('\n')}\nEND`)
  }
}
const withoutWalls = `rm -rf /tmp/open; cp -r sky_workdir /tmp/open; cd /tmp/open; rm -f grade.json
rm -rf data/live_bench/coding/*/model_judgment
node ~/.lmrun/package/dist/cli/index.js grade --model gold --questions smoke --bench-name live_bench/coding > /dev/null`
