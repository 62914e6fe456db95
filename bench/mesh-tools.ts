/** nginx and wrk for bench/mesh.ts: those of this machine, else Debian's, unpacked into a folder that goes afterwards. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'

const PACKAGES = ['nginx', 'wrk', 'libluajit-5.1-2', 'libluajit-5.1-common']
const LIBRARIES = '/usr/lib/x86_64-linux-gnu'

export interface Tools {
  readonly nginx: string
  readonly wrk: string
  readonly env: Readonly<Record<string, string>>
}

export function findTools(folder: string): Tools {
  const here = { nginx: '/usr/sbin/nginx', wrk: '/usr/bin/wrk' }
  if (existsSync(here.nginx) && existsSync(here.wrk)) return { ...here, env: {} }
  mkdirSync(folder, { recursive: true })
  // apt drops its rights, and may not write here then.
  execFileSync('apt-get', ['download', '-o', 'APT::Sandbox::User=root', '-qq', ...PACKAGES], { cwd: folder })
  for (const name of readdirSync(folder).filter(one => one.endsWith('.deb')))
    execFileSync('dpkg-deb', ['-x', path.join(folder, name), folder])
  const at = (name: string) => path.join(folder, name)
  return { nginx: at(here.nginx), wrk: at(here.wrk), env: { LD_LIBRARY_PATH: at(LIBRARIES) } }
}

/** A program of nginx alone: one worker, nothing written but what it must. */
export function nginxConf(http: string): string {
  return `daemon off; worker_processes 1; pid /run/nginx.pid; error_log stderr;
events { worker_connections 1024; }
http { access_log off; client_body_temp_path /run/nginx-body; proxy_temp_path /run/nginx-proxy;
fastcgi_temp_path /run/nginx-1; uwsgi_temp_path /run/nginx-2; scgi_temp_path /run/nginx-3; sendfile on;
keepalive_requests 1000000000;
${http}
}
`
}

/** What a service's VM serves: a small answer, a large file, and what its agent looks for. */
export function backend(model: string, root: string): string {
  return nginxConf(`server { listen 0.0.0.0:8000; root ${root};
  location = /health { return 200 ok; }
  location = /v1/models { default_type application/json; return 200 '{"data":[{"id":"${model}"}]}'; }
  location = /small { return 200 ok; }
}`)
}

/** The hop in between: as its own defaults are, and with connections that are kept. */
export function hop(upstream: string): string {
  return nginxConf(`upstream kept { server ${upstream}; keepalive 64; keepalive_requests 1000000000; }
server { listen 0.0.0.0:8001; location / { proxy_pass http://${upstream}; } }
server { listen 0.0.0.0:8002; location / { proxy_pass http://kept; proxy_http_version 1.1; proxy_set_header Connection ""; } }`)
}
