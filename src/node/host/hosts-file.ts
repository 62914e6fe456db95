/** A block of our own in /etc/hosts: the rest of the file is never touched. */
const BEGIN = '# BEGIN lmrun: names of the mesh'
const END = '# END lmrun'

/** @param names address of each name; none takes the block out */
export function withNames(hosts: string, names: ReadonlyMap<string, string>): string {
  const rest = withoutBlock(hosts)
  if (names.size === 0) return rest
  const lines = [...names].toSorted().map(([name, address]) => `${address} ${name}`)
  const before = rest === '' || rest.endsWith('\n') ? rest : `${rest}\n`
  return `${before}${[BEGIN, ...lines, END].join('\n')}\n`
}

/** A block that was cut off (a full disk) ends with the last line that looks like ours. */
function withoutBlock(hosts: string): string {
  const lines = hosts.split('\n')
  const begin = lines.indexOf(BEGIN)
  if (begin < 0) return hosts
  const length = lines.slice(begin + 1).findIndex(line => !/^[0-9a-f.:]+ \S+\.cluster\.local$/.test(line))
  const after = length < 0 ? lines.length : begin + 1 + length
  const end = lines[after] === END ? after + 1 : after
  return withoutBlock([...lines.slice(0, begin), ...lines.slice(end)].join('\n'))
}
