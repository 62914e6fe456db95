/** Replaces the values of secrets, whole or by their lines, wherever a log repeats them. */
export function maskWith(secrets: Iterable<string>): (line: string) => string {
  const values = [...new Set([...secrets].flatMap(secret => secret.split('\n')).map(line => line.trim()))]
    .filter(value => value !== '')
    // The longest first: what holds another is replaced whole.
    .sort((a, b) => b.length - a.length)
  return line => values.reduce((text, value) => text.replaceAll(value, '***'), line)
}
