// Usage: node follow.mjs  (settings as JSON on the first line of standard input)
// First line: {"servers","user","pass","inboxPrefix","keys":[[vault,collection,key],…]}. Then each line "dump" prints one line of
// JSON with what is held; the end of the input ends the program.
import { createInterface } from 'node:readline';
import { Replicas } from './replica.mjs';

/** JSON with 64-bit integers as exact numerals. */
function stringify(value) {
  if (typeof value === 'bigint') return value.toString();
  if (Object.is(value, -0)) return '-0.0';
  if (Array.isArray(value)) return `[${value.map(stringify).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${stringify(member)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const settings = JSON.parse((await lines.next()).value);
const replicas = await Replicas.connect(settings);
await Promise.all(settings.keys.map(([vault, collection, key]) => replicas.follow(vault, collection, key)));
console.log('ready');
for await (const line of lines) if (line === 'dump') console.log(stringify(replicas.dump()));
await replicas.close();
