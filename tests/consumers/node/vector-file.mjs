// Reading and writing of the vector files, and of the notations used in them (tests/vectors/README.md).
import { readFileSync, writeFileSync } from 'node:fs';

const folder = new URL('../../vectors/', import.meta.url);

/** One vector a line: a change of one shows as a change of one line. */
export function save(name, file) {
  const lists = Object.entries(file).map(([key, value]) => {
    if (!Array.isArray(value)) return `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`;
    return `  ${JSON.stringify(key)}: [\n${value.map(item => `    ${JSON.stringify(item)}`).join(',\n')}\n  ]`;
  });
  writeFileSync(new URL(name, folder), `{\n${lists.join(',\n')}\n}\n`);
}

export const load = name => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));

/** Bytes of a vector: `hex`, or `parts` of which some are repeated. */
export function bytesOf(vector) {
  if (vector.hex !== undefined) return Buffer.from(vector.hex, 'hex');
  return Buffer.concat(vector.parts.map(part => Buffer.from(part.hex.repeat(part.times ?? 1), 'hex')));
}

/** Text of a tagged string: `value`, or `text` repeated `times`. */
export const textOf = tagged => tagged.value ?? tagged.text.repeat(tagged.times);
