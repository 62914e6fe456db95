import { expect, test } from 'vitest'
import { diagnose } from '../../src/fleet/diagnose.ts'

/** Lines as the programs really print them. */
const LINES: readonly (readonly [cause: string, line: string])[] = [
  [
    'out of GPU memory',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 270.00 MiB. GPU 0 has a total capacity of 22.03 GiB',
  ],
  [
    'out of GPU memory',
    'ggml_backend_cuda_buffer_type_alloc_buffer: allocating 1024.00 MiB on device 0: cudaMalloc failed: out of memory',
  ],
  [
    'out of GPU memory',
    'ValueError: Free memory on device (20.1/22.03 GiB) on startup is less than desired GPU memory utilization (0.94, 20.7 GiB).',
  ],
  ['out of memory', 'MemoryError'],
  ['out of memory', "terminate called after throwing an instance of 'std::bad_alloc'"],
  [
    'out of memory',
    'ggml_aligned_malloc: insufficient memory (attempted to allocate 9437184.00 MB): failed to allocate buffer of size 9895604649984',
  ],
  ['out of memory', 'OSError: [Errno 12] Cannot allocate memory'],
  ['disk full', 'OSError: [Errno 28] No space left on device'],
  ['disk full', 'Error: ENOSPC: no space left on device, write'],
  ['port taken', 'OSError: [Errno 98] Address already in use'],
  ['port taken', 'Error: listen EADDRINUSE: address already in use 127.0.0.1:8000'],
  ['port taken', 'serve: port 18130 is taken: Address already in use'],
  [
    'missing or broken file',
    'serve: missing file: MODEL is ./nope.gguf, and there is no file /srv/nope.gguf',
  ],
  ['missing or broken file', "FileNotFoundError: [Errno 2] No such file or directory: 'model.gguf'"],
  ['missing or broken file', "0.00.021.188 E srv    load_model: failed to load model, 'bad.gguf'"],
  [
    'bad flag',
    "serve: bad flag in SERVE_OPTS ('--foo'): unrecognized arguments: --foo; allowed: --ctx-size N",
  ],
  ['bad flag', 'vllm: error: argument --max-model-len: invalid int value: '],
  ['bad flag', 'api_server.py: error: unrecognized arguments: --tp 4'],
  ['missing module', "ModuleNotFoundError: No module named 'vllm'"],
  ['missing module', "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'yaml' imported from /a.mjs"],
  ['no network', 'curl: (6) Could not resolve host: huggingface.co'],
  ['no network', 'socket.gaierror: [Errno -3] Temporary failure in name resolution'],
  [
    'no network',
    'requests.exceptions.ConnectionError: HTTPSConnectionPool(host=\'huggingface.co\', port=443): Max retries exceeded (Caused by NameResolutionError("x"))',
  ],
  [
    'the model hub refused access',
    '401 Client Error: Unauthorized for url: https://huggingface.co/meta-llama/x/resolve/main/config.json',
  ],
  [
    'the model hub refused access',
    'Access to model meta-llama/Llama-3.1-8B is restricted. You must have access to it and be authenticated to access it.',
  ],
  ['the model hub refused access', 'huggingface_hub.errors.GatedRepoError: 403 Client Error.'],
  [
    'the model hub limits the rate',
    '429 Client Error: Too Many Requests for url: https://huggingface.co/api/models',
  ],
  ['no matching package', 'ERROR: No matching distribution found for xllamacpp==2026.10.11549'],
  ['no matching package', 'ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.'],
  ['permission denied', 'bash: line 1: ./serve: Permission denied'],
  ['permission denied', "PermissionError: [Errno 13] Permission denied: '/models/x'"],
  ['command not found', '/tmp/run.sh: line 3: vllm: command not found'],
  [
    'the processor lacks instructions that the program needs',
    '/tmp/run.sh: line 2:  4711 Illegal instruction     (core dumped) ./server',
  ],
  [
    'the processor lacks instructions that the program needs',
    'serve: this processor lacks AVX2; the server requires AVX2',
  ],
  ['Python too old', 'Python 3.10 or newer is needed; python3 on the PATH is: Python 3.8.10'],
  ['Python too old', "ERROR: Package 'x' requires a different Python: 3.8.10 not in '>=3.10'"],
]

test.each(LINES)('%s: %s', (cause, line) => {
  expect(diagnose(['starting', line, 'bye'], 1)?.cause).toBe(cause)
})

test.each([
  ['killed, most likely for lack of memory', 137, undefined],
  ['killed, most likely for lack of memory', null, 'SIGKILL'],
  ['the processor lacks instructions that the program needs', 132, undefined],
  ['the processor lacks instructions that the program needs', null, 'SIGILL'],
  ['command not found', 127, undefined],
  ['permission denied', 126, undefined],
  ['it crashed (segmentation fault)', 139, undefined],
] as const)('%s, by its end alone: %s %s', (cause, exitCode, signal) => {
  expect(diagnose(['starting'], exitCode, signal)?.cause).toBe(cause)
})

test('the signal is also read from the last line that the VM itself writes', () => {
  expect(diagnose(['loading', 'lmrun: job 1 was ended by SIGKILL'], null)?.cause).toMatch(/^killed/)
})

test('a cause explains its consequences, whichever line comes first', () => {
  const lines = ['cudaMalloc failed: out of memory', "failed to load model 'x.gguf'"]
  expect(diagnose(lines, 1)?.cause).toBe('out of GPU memory')
  expect(diagnose(lines.toReversed(), 1)?.cause).toBe('out of GPU memory')
})

test('nothing is made up', () => {
  expect(diagnose(['all is well', 'the end'], 1)).toBeNull()
  expect(diagnose([], 3)).toBeNull()
  expect(diagnose(['MemoryError'], 0)).toBeNull()
})

test('every diagnosis tells what to do', () => {
  for (const [, line] of LINES) expect(diagnose([line], 1)?.hint).toMatch(/\w.*\.$/)
})
