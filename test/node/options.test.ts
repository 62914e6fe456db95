import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/errors.ts'
import { readAgentOptions, readServerOptions } from '../../src/node/options.ts'

function problems(read: () => unknown): string[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof InputError) return error.problems.map(({ where, what }) => `${where}: ${what}`)
    throw error
  }
}

describe('k3s_agent', () => {
  test('publishes nothing when nothing is said', () => {
    expect(readAgentOptions([])).toEqual({
      name: null,
      publicIp: null,
      mtu: null,
      containers: false,
      dryRun: false,
      publish: { ports: [], health: '/health', headless: false },
      ranks: 'head',
      models: true,
      apiKeyFile: null,
    })
  })

  test('takes one port as it is, and several by name', () => {
    expect(readAgentOptions(['--port', '8000']).publish.ports).toEqual([{ name: 'http', port: 8000 }])
    expect(readAgentOptions(['--port', 'api=8000', '--port', 'metrics=9090']).publish.ports).toEqual([
      { name: 'api', port: 8000 },
      { name: 'metrics', port: 9090 },
    ])
  })

  test.each([
    [['--port', '0'], ['--port 0: is no port']],
    [['--port', '65536'], ['--port 65536: is no port']],
    [['--port', 'x'], ['--port x: is no port']],
    [['--port', '=80'], ['--port =80:  is no name of a port']],
    [['--port', 'Api=80'], ['--port Api=80: Api is no name of a port']],
    [
      ['--port', '80', '--port', '81'],
      ['--port 80: has no name', '--port 81: has no name'],
    ],
    [['--port', 'a=80', '--port', 'b=80'], ['--port b=80: the port is there twice']],
    [['--port', 'a=80', '--port', 'a=81'], ['--port a=81: the name is there twice']],
    [['--health', '/up'], ['--health: nothing is shown to the mesh']],
    [
      ['--port', '80', '--health', 'up', '--ranks', 'some', '--public-ip', 'here'],
      ['--health: up is no path', '--ranks: there is no some', '--public-ip: here is no IPv4 address'],
    ],
    [['stray'], ["options: Unexpected argument 'stray'"]],
    [['--prot', '80'], ["options: Unknown option '--prot'"]],
  ])('refuses %j, all at once', (args, expected) => {
    expect(problems(() => readAgentOptions(args))).toEqual(expected)
  })

  test('whatever it is given, it takes it or refuses it', () => {
    const word = fc.oneof(
      fc.constantFrom(
        '--port',
        '--health',
        '--headless',
        '--ranks',
        '--name',
        '--no-models',
        '--ttl',
        'a=1',
        '1',
      ),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), args => {
        problems(() => readAgentOptions(args))
        problems(() => readServerOptions(args))
      }),
    )
  })
})

describe('k3s_server', () => {
  test.each([
    [[], 86_400],
    [['--ttl', '90m'], 5400],
    [['--ttl', '7d'], 604_800],
  ])('%j', (args, seconds) => {
    expect(readServerOptions(args).ttlSeconds).toBe(seconds)
  })

  test.each(['5m', '31d', '24', 'h', '-1h', '1e3h'])('a token does not live for %s', ttl => {
    expect(problems(() => readServerOptions([`--ttl=${ttl}`]))).toEqual([`--ttl: ${ttl} is not allowed`])
  })
})
