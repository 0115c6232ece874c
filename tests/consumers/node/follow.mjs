// Usage: node follow.mjs SETTINGS.json
// Settings: {"servers", "user", "pass", "inboxPrefix", "keys": [[vault, collection, key], …]}. Prints each change as it is taken, one
// JSON object a line, and ends with SIGTERM.
import { readFileSync } from 'node:fs';
import { Replicas } from './replica.mjs';

/** JSON with 64-bit integers as exact numerals. */
function stringify(value) {
  if (value === undefined) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (Object.is(value, -0)) return '-0.0';
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${stringify(member)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

const { keys, ...server } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const replicas = await Replicas.connect(server, ({ vault, collection, key, sequence, value }) =>
  console.log(stringify({ vault, collection, key, sequence, value })));
process.once('SIGTERM', () => replicas.close());
await Promise.all(keys.map(([vault, collection, key]) => replicas.follow(vault, collection, key)));
