// Makes tests/vectors/foreign.json: what the public libraries write, for the C# tests to read. Frozen; the Node test checks
// that the libraries still write the same.
import { pathToFileURL } from 'node:url';
import { libraries } from './libraries.mjs';
import { save } from './vector-file.mjs';

const int = value => ({ type: 'int', value: String(value) });
const str = value => ({ type: 'str', value });
const bits = value => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return { type: 'float', bits: bytes.toString('hex') };
};
const list = (...items) => ({ type: 'array', items });

const values = [
  ['null', null, { type: 'nil' }], ['booleans', [true, false], list({ type: 'bool', value: true }, { type: 'bool', value: false })],
  ['small integers', [0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295], list(...[0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295].map(int))],
  ['negative integers', [-1, -32, -33, -128, -129, -32768, -32769, -2147483648],
    list(...[-1, -32, -33, -128, -129, -32768, -32769, -2147483648].map(int))],
  ['large integers', [2n ** 63n - 1n, 2n ** 64n - 1n, -(2n ** 63n)], list(int(2n ** 63n - 1n), int(2n ** 64n - 1n), int(-(2n ** 63n)))],
  ['floats', [0.5, -1.25, 1e300, 5e-324], list(bits(0.5), bits(-1.25), bits(1e300), bits(5e-324))],
  ['texts', ['', 'é名😀', 'a'.repeat(31), 'a'.repeat(32), 'a'.repeat(300)],
    list(str(''), str('é名😀'), str('a'.repeat(31)), str('a'.repeat(32)), str('a'.repeat(300)))],
  ['bytes', Buffer.from([0, 255, 128]), { type: 'bin', hex: '00ff80' }],
  ['a list of 20', Array(20).fill(1), list(...Array(20).fill(int(1)))],
  ['an object', { b: 1, a: { c: [null] } },
    { type: 'map', pairs: [[str('b'), int(1)], [str('a'), { type: 'map', pairs: [[str('c'), list({ type: 'nil' })]] }]] }],
  ['an object of 20', Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`k${n}`, n])),
    { type: 'map', pairs: Array.from({ length: 20 }, (_, n) => [str(`k${n}`), int(n)]) }],
  ['a date', new Date(1732147200123), { type: 'timestamp', seconds: '1732147200', nanoseconds: 123000000 }],
  ['a date in whole seconds', new Date(1732147200000), { type: 'timestamp', seconds: '1732147200', nanoseconds: 0 }],
  ['a date before 1970', new Date(-1000), { type: 'timestamp', seconds: '-1', nanoseconds: 0 }],
];

// Positions over 32 bits are BigInt here: one library would write a plain number of that size as a float.
const envelope = () => ({
  value: { name: 'Ada', age: 36 }, schema_version: '3.1', sequence: 7, vault: 'acme', collection: 'user', key: '123',
  id: Buffer.from('0193a1b2c3d47e5f8a9b000000000001', 'hex'), feed: 3, position: 1234567, history: 8007199254740991n,
  after: 1234500, time: new Date(1732147200123), producer: 'service:billing',
});

const messages = [
  ['envelope', envelope()], ['envelope', { value: null, schema_version: '3.1', sequence: 8, op: 'delete', vault: 'acme', collection: 'user', key: '123' }],
  ['write-command', { op: 'put', value: { name: 'Ada', age: 36 }, schema_version: '3.1', expected: 6, idempotency_key: 'k-1' }],
  ['getmany', [['user', '123', -1], ['user', 'ž', 7]]], ['history-request', { after: 5, limit: 20 }],
];

export const foreignVectors = () => libraries.flatMap(library => [
  ...values.map(([name, value, decoded]) => ({ library: library.name, name, hex: library.encode(value).toString('hex'), decoded })),
  ...messages.map(([message, value]) => ({ library: library.name, message, hex: library.encode(value).toString('hex') })),
]);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  save('foreign.json', { about: 'Bytes that public libraries write, and their decoded form; messages must be taken.', vectors: foreignVectors() });
}
