import { AT, UNIT } from './paths.ts'

/** As K3s's own installer writes it; the options are in its config.yaml. Source: https://get.k3s.io */
export function k3sUnit(role: 'server' | 'agent'): string {
  return `[Unit]
Description=K3s of the LMRun mesh (${role})
Documentation=https://docs.k3s.io
Wants=network-online.target
After=network-online.target

[Service]
Type=${role === 'server' ? 'notify' : 'exec'}
ExecStartPre=-/sbin/modprobe br_netfilter
ExecStartPre=-/sbin/modprobe overlay
ExecStartPre=-/sbin/modprobe wireguard
ExecStart=${AT.k3s} ${role}
KillMode=process
Delegate=yes
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`
}

interface OwnUnit {
  readonly description: string
  /** Path of Node. */
  readonly node: string
  readonly command: 'run-agent' | 'run-main'
  readonly env: Readonly<Record<string, string>>
}

/** It comes back after whatever befalls it, a reboot and a restart of K3s included, and takes little from its VM. */
function ownUnit({ description, node, command, env }: OwnUnit): string {
  const lines = Object.entries(env).map(([key, value]) => `Environment=${key}=${value}\n`)
  return `[Unit]
Description=${description}
Wants=network-online.target ${UNIT.k3s}
After=network-online.target ${UNIT.k3s}
StartLimitIntervalSec=0

[Service]
Type=exec
${lines.join('')}ExecStart=${node} --max-old-space-size=96 ${AT.app}/index.js ${command}
Restart=always
RestartSec=2
TimeoutStopSec=15
MemoryMax=256M
CPUQuota=50%
NoNewPrivileges=yes

[Install]
WantedBy=multi-user.target
`
}

export function agentUnit(node: string): string {
  return ownUnit({ description: 'LMRun mesh: what this VM publishes', node, command: 'run-agent', env: {} })
}

/** @param env what the AWS SDK needs to find the user's credentials */
export function mainUnit(node: string, env: Readonly<Record<string, string>>): string {
  return ownUnit({ description: 'LMRun mesh: names, services and the dead', node, command: 'run-main', env })
}
