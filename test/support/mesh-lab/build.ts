/**
 * Builds the lab's components from pinned Go modules into a cache folder outside of the repository, and installs
 * the packages that it needs. About six minutes on two cores when nothing is cached, a second when all is.
 * By hand: `node test/support/mesh-lab/build.ts`. Needs Go, Debian and root.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

const SOURCES = path.join(import.meta.dirname, 'go')
const KUBERNETES = 'v1.34.4'
const VERSION = 'k8s.io/component-base/version'
/** What each is built from, and the flags of its linker. */
const BINARIES = {
  kubelab: {
    module: 'k8s',
    flags: `-X ${VERSION}.gitVersion=${KUBERNETES} -X ${VERSION}.gitMajor=1 -X ${VERSION}.gitMinor=34`,
  },
  flanneld: { module: 'flannel', flags: '' },
  coredns: { module: 'coredns', flags: '' },
}
/** Commands, and the packages that have them. */
const PACKAGES: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  ip: 'iproute2',
  nft: 'nftables',
  iptables: 'iptables',
  conntrack: 'conntrack',
  openssl: 'openssl',
  sysctl: 'procps',
  unshare: 'util-linux',
  mount: 'mount',
}

/** Folder of the built components; its name is the content of their sources. */
export function componentsFolder(): string {
  const hash = createHash('sha256')
  for (const file of readdirSync(SOURCES, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.join(entry.parentPath, entry.name))
    .sort()) {
    hash.update(`${path.relative(SOURCES, file)}\n`).update(readFileSync(file))
  }
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache')
  return path.join(cache, 'lmrun-tests', `mesh-lab-${hash.digest('hex').slice(0, 12)}`)
}

/** Brings about all that a lab is made of. @throws Error when a package or a component cannot be had */
export function prepare(): void {
  if (process.getuid?.() !== 0) throw new Error('the mesh lab needs root, for namespaces and apt-get')
  installPackages()
  const folder = componentsFolder()
  if (existsSync(folder)) return
  // Complete or not there.
  const part = `${folder}.${process.pid}`
  mkdirSync(part, { recursive: true })
  try {
    for (const [name, { module, flags }] of Object.entries(BINARIES)) {
      console.log(`mesh lab: building ${name}`)
      execFileSync(
        'go',
        ['build', '-trimpath', '-ldflags', `-s -w ${flags}`, '-o', path.join(part, name), '.'],
        {
          cwd: path.join(SOURCES, module),
          env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' },
          stdio: 'inherit',
        },
      )
    }
    renameSync(part, folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}

function installPackages(): void {
  const env = {
    ...process.env,
    PATH: `${process.env.PATH}:/usr/sbin:/sbin`,
    DEBIAN_FRONTEND: 'noninteractive',
  }
  const missing = Object.keys(PACKAGES).filter(
    command => spawnSync('sh', ['-c', `command -v ${command}`], { env }).status !== 0,
  )
  if (missing.length === 0) return
  console.log(`mesh lab: installing for ${missing.join(', ')}`)
  const apt = (...args: string[]) =>
    // RUNLEVEL=1: etcd's own daemon must not start.
    execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env: { ...env, RUNLEVEL: '1' },
      stdio: 'inherit',
    })
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...missing.map(command => PACKAGES[command] ?? command))
}

if (import.meta.main) prepare()
