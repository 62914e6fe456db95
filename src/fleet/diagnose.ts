/** Why a job failed, as far as its log and its end tell. */
export interface Diagnosis {
  /** A few words: "out of GPU memory". */
  readonly cause: string
  /** What to do about it, as a sentence. */
  readonly hint: string
}

interface Rule extends Diagnosis {
  readonly pattern: RegExp
}

/** What programs say of themselves. The first rule that fits counts, so causes stand before their consequences. */
const BY_LINE: readonly Rule[] = [
  {
    pattern:
      /CUDA out of memory|CUDA error: out of memory|cudaMalloc failed|HIP out of memory|free memory on device .* is less than desired|No available memory for the cache blocks/i,
    cause: 'out of GPU memory',
    hint: 'Take a smaller model or context, a lower --gpu-memory-utilization, or a larger GPU.',
  },
  {
    pattern: /No space left on device|ENOSPC|Disk quota exceeded|not enough (free )?disk space/i,
    cause: 'disk full',
    hint: 'Free some space (the lmrun and pip caches are in ~/.cache), or take a larger disk.',
  },
  {
    pattern:
      /\bMemoryError\b|std::bad_alloc|failed to allocate|Cannot allocate memory|ENOMEM|Out of memory|oom-kill|JavaScript heap out of memory/i,
    cause: 'out of memory',
    hint: 'Take a smaller model or context, fewer slots, or a machine with more memory.',
  },
  {
    pattern:
      /Address already in use|EADDRINUSE|port \d+ is (already )?(taken|in use)|address is already in use/i,
    cause: 'port taken',
    hint: 'End what listens there, or let the fleet choose: declare the port and listen on LMRUN_PORT_<port>.',
  },
  {
    pattern:
      /Python (>=|3\.\d+ or (newer|later)|\d\.\d+ is too old)|requires a different Python|Requires-Python/i,
    cause: 'Python too old',
    hint: 'Put a newer python3 first on the PATH.',
  },
  {
    pattern:
      /\b(401|403)\b.*(Unauthorized|Forbidden|Client Error)|GatedRepoError|Access to model .* is restricted|Repository Not Found|Invalid username or password/i,
    cause: 'the model hub refused access',
    hint: "Check the model's name, accept its licence, and hand over a token (the secret HF_TOKEN).",
  },
  {
    pattern: /\b429\b.*Too Many Requests|Too Many Requests|rate.?limit(ed| exceeded)/i,
    cause: 'the model hub limits the rate',
    hint: 'Hand over a token (the secret HF_TOKEN), or try again later.',
  },
  {
    pattern:
      /Temporary failure in name resolution|Name or service not known|getaddrinfo (ENOTFOUND|EAI_AGAIN|failed)|Could not resolve host|NameResolutionError|nodename nor servname|Network is unreachable|ConnectTimeout|Failed to establish a new connection|MaxRetryError|offline mode is enabled/i,
    cause: 'no network',
    hint: 'Check the connection and the proxy variables (HTTPS_PROXY, NO_PROXY) of this machine.',
  },
  {
    pattern:
      /No matching distribution found|THESE PACKAGES DO NOT MATCH THE HASHES|none of the wheel's tags match|is not a supported wheel on this platform/i,
    cause: 'no matching package',
    hint: 'The pinned packages have no build for this platform or Python, or the index gave another file.',
  },
  {
    pattern:
      /ModuleNotFoundError|No module named|ImportError: cannot import|Cannot find (module|package)|ERR_MODULE_NOT_FOUND/,
    cause: 'missing module',
    hint: "Install it in the template's setup.",
  },
  {
    pattern: /Illegal instruction|AVX2 (is )?(not supported|required|missing)|requires AVX2/i,
    cause: 'the processor lacks instructions that the program needs',
    hint: 'Take a machine with AVX2, or a build of the server for this processor.',
  },
  {
    pattern:
      /unrecognized arguments?|unrecognised option|unrecognized option|unknown (option|argument|flag)|invalid option|no such option|error: argument|is not allowed in SERVE_OPTS|expected one argument|invalid (int|float|choice) value|invalid choice/i,
    cause: 'bad flag',
    hint: 'Correct the serve options; the log says what is allowed.',
  },
  {
    pattern:
      /No such file or directory|FileNotFoundError|missing file|ENOENT|file not found|failed to load model|does not appear to have a file named|invalid magic|failed to read magic/i,
    cause: 'missing or broken file',
    hint: "Check the model's path or name, and that its file is whole.",
  },
  {
    pattern: /Permission denied|EACCES|Operation not permitted|PermissionError/i,
    cause: 'permission denied',
    hint: 'Make the file readable (a script: executable) for the user who runs this.',
  },
  {
    pattern: /: command not found|: not found$|executable file not found/i,
    cause: 'command not found',
    hint: "Install it in the template's setup, or put it on the PATH.",
  },
]

/** What the end of the process tells when its log does not. */
const BY_END: Readonly<Record<string, Diagnosis>> = {
  SIGKILL: {
    cause: 'killed, most likely for lack of memory',
    hint: 'Take a smaller model or context, or a machine with more memory (`dmesg` names what the kernel killed).',
  },
  SIGILL: {
    cause: 'the processor lacks instructions that the program needs',
    hint: 'Take a machine with AVX2, or a build of the server for this processor.',
  },
  SIGSEGV: {
    cause: 'it crashed (segmentation fault)',
    hint: 'Try another version of the server, or a smaller context.',
  },
  SIGABRT: { cause: 'it aborted itself', hint: 'The lines before its end tell why.' },
  126: { cause: 'permission denied', hint: 'Make the script executable.' },
  127: { cause: 'command not found', hint: "Install it in the template's setup, or put it on the PATH." },
}

/** A shell's exit code for a program that a signal ended is 128 + its number. */
const SIGNALS: Readonly<Record<number, string>> = {
  132: 'SIGILL',
  134: 'SIGABRT',
  137: 'SIGKILL',
  139: 'SIGSEGV',
}

/**
 * The likely cause of a job's failure. The table's order decides, not that of the lines: "out of memory" explains the
 * "failed to load model" that follows it.
 * @param lines the end of the job's log
 * @param exitCode null when a signal ended it
 */
export function diagnose(
  lines: readonly string[],
  exitCode: number | null,
  signal?: string,
): Diagnosis | null {
  if (exitCode === 0) return null
  const rule = BY_LINE.find(({ pattern }) => lines.some(line => pattern.test(line)))
  if (rule) return { cause: rule.cause, hint: rule.hint }
  const told = lines.map(line => /^lmrun: job \d+ was ended by (SIG\w+)$/.exec(line)?.[1]).find(Boolean)
  const end = signal ?? told ?? (exitCode === null ? '' : (SIGNALS[exitCode] ?? String(exitCode)))
  return BY_END[end] ?? null
}
