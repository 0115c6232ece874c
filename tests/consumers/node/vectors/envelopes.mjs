// Envelopes and beats: bytes, decoded form or error, and what the gates of a replica make of them.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import * as p from '../pack.mjs';

const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');
const fieldOrder = ['value', 'schema_version', 'sequence', 'vault', 'collection', 'key', 'op', 'id', 'feed', 'position',
  'history', 'hash', 'after', 'time', 'producer'];

export const history = '8007199254740991';
export const value = p.map(['name', p.str('Ada')], ['age', p.int(36)]);

const pack = {
  value: hex => p.raw(hex),
  schema_version: text => (text === null ? p.nil() : p.str(text)),
  id: hex => p.bin(p.raw(hex)),
  hash: hex => p.bin(p.raw(hex)),
  time: micros => p.time(micros),
};
for (const name of ['sequence', 'feed', 'position', 'history', 'after']) pack[name] = p.int;
for (const name of ['vault', 'collection', 'key', 'op', 'producer']) pack[name] = p.str;

/** The bytes of an envelope's decoded form, in the writer's order. */
export const packEnvelope = decoded =>
  p.map(...fieldOrder.map(name => [name, decoded[name] === undefined ? undefined : pack[name](decoded[name])]));

export const full = {
  value: value.toString('hex'), schema_version: '3.1', sequence: '7', vault: 'acme', collection: 'user', key: '123',
  id: '0193a1b2c3d47e5f8a9b000000000001', feed: 3, position: '1234567', history, hash: sha256(value), after: '1234500',
  time: '1732147200123456', producer: 'service:billing',
};

const vectors = [];
const good = (name, decoded, gate, bytes = packEnvelope(decoded), canonical = true) =>
  vectors.push({ name, hex: bytes.toString('hex'), canonical, decoded, gate });
const bad = (name, bytes, error) => vectors.push({ name, hex: bytes.toString('hex'), error, gate: 'undecodable' });

const only = (...pairs) => p.map(...pairs);
const three = [['value', value], ['schema_version', p.str('3.1')], ['sequence', p.int(7)]];
const nil = 'c0';

good('put', full, 'applied');
good('tombstone', { ...full, op: 'delete', value: nil, hash: sha256(p.nil()) }, 'cleared');
good('tombstone of another major', { ...full, op: 'delete', value: nil, schema_version: '9.0', hash: sha256(p.nil()) }, 'cleared');
good('event', { ...full, op: 'append', sequence: '1', after: '0' }, 'ignored-stale');
good('put of nil: a live record that the document gate refuses', { ...full, value: nil, hash: sha256(p.nil()) }, 'parse-error');
good('sealed value', { ...full, value: 'd66401020304', hash: sha256(p.raw('d66401020304')) }, 'applied');
good('scalar value', { ...full, value: '07', hash: sha256(p.raw('07')) }, 'parse-error');
good('same sequence again', { ...full, sequence: '6' }, 'ignored-stale');
good('older sequence', { ...full, sequence: '2' }, 'ignored-stale');
good('older sequence of another major', { ...full, sequence: '2', schema_version: '4.0' }, 'ignored-stale');
good('a sequence skipped', { ...full, sequence: '9' }, 'gap');
good('another minor', { ...full, schema_version: '3.99' }, 'applied');
good('another major', { ...full, schema_version: '4.0' }, 'skew');
good('major with a leading zero', { ...full, schema_version: '03.1' }, 'applied');
good('version without a dot: the gate is off', { ...full, schema_version: '4' }, 'applied');
good('version of other text: the gate is off', { ...full, schema_version: 'four.0' }, 'applied');
good('no version: the gate is off', { ...full, schema_version: null }, 'applied');
good('another key', { ...full, key: '124' }, 'wrong-key');
good('another collection', { ...full, collection: 'order' }, 'wrong-key');
good('another vault', { ...full, vault: 'acmf' }, 'wrong-key');
good('another history', { ...full, history: '1', sequence: '1', position: '5', after: '0' }, 'reset');
good('the three reconcile fields alone', { value: full.value, schema_version: '3.1', sequence: '7' }, 'wrong-key');
good('known absent', { value: nil, schema_version: null, sequence: '0', vault: 'acme', collection: 'user', key: '123' },
  'ignored-stale');
good('largest numbers', { ...full, sequence: '9223372036854775807', feed: 2147483647, position: '9223372036854775807',
  history: '9007199254740991', after: '9223372036854775806', time: '253402300799999999' }, 'reset');
good('time before 1970', { ...full, time: '-1' }, 'applied');
good('names of other scripts', { ...full, key: 'žluťoučký/名前 😀', producer: 'cli:Björn' }, 'wrong-key');

good('keys in another order', full, 'applied',
  p.map(...[...fieldOrder].reverse().map(name => [name, full[name] === undefined ? undefined : pack[name](full[name])])), false);
good('unknown keys are skipped', full, 'applied', p.map(
  ['zebra', p.map(['a', p.arr(p.nil(), p.ext(9, p.raw('00')))])],
  ...fieldOrder.map(name => [name, full[name] === undefined ? undefined : pack[name](full[name])]),
  ['', p.int(1)], ['value2', p.bin(p.raw('00'))]), false);
good('op put is named', { ...full, op: 'put' }, 'applied', packEnvelope({ ...full, op: 'put' }), false);
good('without a version', { ...full, schema_version: null }, 'applied', packEnvelope({ ...full, schema_version: undefined }), false);
good('longer forms of numbers and texts', { value: '01', schema_version: '3.1', sequence: '7' }, 'wrong-key', Buffer.concat([
  p.raw('de0003'), p.raw('d905'), Buffer.from('value'), p.raw('01'), p.raw('da000e'), Buffer.from('schema_version'),
  p.raw('db00000003'), Buffer.from('3.1'), p.raw('a8'), Buffer.from('sequence'), p.raw('d30000000000000007')]), false);
good('value of 64 levels', { ...full, value: '91'.repeat(63) + '90', hash: sha256(p.raw('91'.repeat(63) + '90')) }, 'parse-error');

bad('nothing', Buffer.alloc(0), 'truncated');
bad('an empty map', p.map(), "'value' is missing");
bad('no sequence', only(three[0], three[1]), "'sequence' is missing");
bad('no value', only(three[1], three[2]), "'value' is missing");
bad('an array', p.arr(value, p.str('3.1'), p.int(7)), 'expected a map');
bad('trailing byte', Buffer.concat([packEnvelope(full), p.nil()]), 'trailing');
bad('a known key twice', only(...three, ['sequence', p.int(8)]), 'duplicate');
bad('an unknown key twice', only(...three, ['x', p.int(8)], ['y', p.int(1)], ['x', p.int(8)]), 'duplicate');
bad('an unknown key twice, in two forms', Buffer.concat([p.mapHead(5), ...three.flatMap(([name, packed]) => [p.str(name), packed]),
  p.str('x'), p.nil(), p.raw('d90178'), p.nil()]), 'duplicate');
bad('a key that is no text', Buffer.concat([p.mapHead(4), ...three.flatMap(([name, packed]) => [p.str(name), packed]), p.int(1), p.nil()]),
  'expected a string');
bad('a key of invalid UTF-8', Buffer.concat([p.mapHead(4), ...three.flatMap(([name, packed]) => [p.str(name), packed]), p.raw('a1ff'), p.nil()]),
  'UTF-8');
const wrong = (name, field, packed, error) => bad(name, only(...three.filter(([known]) => known !== field), [field, packed]), error);
wrong('sequence is text', 'sequence', p.str('7'), 'integer');
wrong('sequence is a float', 'sequence', p.f64(7), 'integer');
wrong('sequence is negative', 'sequence', p.int(-1), 'range');
wrong('sequence is over 2^63-1', 'sequence', p.int(1n << 63n), '2^63');
wrong('version is a number', 'schema_version', p.f64(3.1), 'string');
wrong('vault is binary', 'vault', p.bin(Buffer.from('acme')), 'string');
wrong('vault is nil', 'vault', p.nil(), 'string');
wrong('key of invalid UTF-8', 'key', p.raw('a1ff'), 'UTF-8');
wrong('op is unknown', 'op', p.str('merge'), 'put, delete or append');
wrong('id of 15 bytes', 'id', p.bin(Buffer.alloc(15)), 'length');
wrong('id is text', 'id', p.str('0193a1b2-c3d4-7e5f-8a9b-000000000001'), 'binary');
wrong('hash of 31 bytes', 'hash', p.bin(Buffer.alloc(31)), 'length');
wrong('feed over 2^31-1', 'feed', p.int(2147483648), 'range');
wrong('time is an integer', 'time', p.int(1), 'extension');
wrong('time is extension 5', 'time', p.ext(5, Buffer.alloc(4)), 'timestamp');
wrong('time of 5 bytes', 'time', p.ext(-1, Buffer.alloc(5)), 'timestamp');
wrong('producer is a list', 'producer', p.arr(p.str('service'), p.str('x')), 'string');
wrong('value of 65 levels', 'value', p.raw('91'.repeat(64) + '90'), 'deep');
wrong('value holds 0xc1', 'value', p.raw('91c1'), '0xc1');
wrong('unknown field of 65 levels', 'x', p.raw('91'.repeat(64) + '90'), 'deep');

export const envelopeFile = {
  about: 'Envelopes. gate: what a replica of the state below makes of the live envelope.',
  replica: {
    vault: 'acme', collection: 'user', key: '123', expected_version: '3.0', schema: 'a map or extension 100',
    seed: { sequence: '6', schema_version: '3.1', history, feed: 3, position: '1234400' },
    outcomes: {
      applied: 'the value is shown', cleared: 'there is no value any more', gap: 'the value is shown, and the head is refetched',
      'ignored-stale': 'no effect but a counter', 'wrong-key': 'dropped and counted', skew: 'refused by the schema-major gate, refetched',
      'parse-error': 'refused by the parse gate, refetched', reset: 'both marks are forgotten, refetched',
      undecodable: 'the bytes are refused before any gate',
    },
  },
  vectors,
};

const prev = 1234500n;
const beat = {
  feed: 3, history, epoch: '12', prev: String(prev), position: '1234568', time: '1732147201500000',
  keys: [['acme/user/123', 68], ['acme/user/124', 1], ['pypi--django/advisory/PYSEC-1', 5]]
    .map(([key, offset]) => [crc32(key).toString(16).padStart(8, '0'), offset]).sort(),
  collections: [['acme', 'user', '1234568'], ['pypi--django', 'advisory', '1234505']],
};

const packKeys = keys => p.bin(Buffer.concat(keys.map(([crc, offset]) => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(parseInt(crc, 16), 0);
  bytes.writeUInt32BE(offset, 4);
  return bytes;
})));

const packBeat = (decoded, ...more) => p.map(
  ['feed', p.int(decoded.feed)], ['history', p.int(decoded.history)], ['epoch', p.int(decoded.epoch)],
  ['prev', p.int(decoded.prev)], ['position', p.int(decoded.position)], ['time', p.time(decoded.time)],
  ['keys', packKeys(decoded.keys)],
  ['collections', p.arr(...decoded.collections.map(([vault, name, last]) => p.arr(p.str(vault), p.str(name), p.int(last))))], ...more);

const goodBeat = (name, decoded, bytes = packBeat(decoded), canonical = true) =>
  ({ name, hex: bytes.toString('hex'), canonical, decoded });
const badBeat = (name, change, error) => ({ name, hex: packBeat({ ...beat, ...change }).toString('hex'), error });
const quiet = { ...beat, prev: '1234568', keys: [], collections: [] };

export const beatVectors = [
  goodBeat('of three keys and two collections', beat),
  goodBeat('of a quiet second', quiet),
  goodBeat('equal checksums: the larger offset counts', { ...beat, keys: [['00000001', 4], ['00000001', 9], ['ffffffff', 1]] }),
  goodBeat('unknown keys are skipped', beat, packBeat(beat, ['new', p.arr(p.nil())]), false),
  goodBeat('what must be there alone', { ...quiet, epoch: '0', time: '0' },
    p.map(['position', p.int(1234568)], ['prev', p.int(1234568)], ['feed', p.int(3)], ['history', p.int(history)]), false),
  badBeat('keys out of order', { keys: [['00000002', 1], ['00000001', 1]] }, 'order'),
  badBeat('a key twice', { keys: [['00000001', 1], ['00000001', 1]] }, 'order'),
  badBeat('offset 0', { keys: [['00000001', 0]] }, 'offset'),
  badBeat('offset past the position', { keys: [['00000001', 69]] }, 'offset'),
  badBeat('position below prev', { position: '1234499', keys: [], collections: [] }, 'below prev'),
  badBeat('a collection before prev', { collections: [['acme', 'user', '1234500']] }, 'last position'),
  badBeat('a collection past the position', { collections: [['acme', 'user', '1234569']] }, 'last position'),
  { name: 'keys cut in a key', hex: p.map(['feed', p.int(3)], ['history', p.int(1)], ['prev', p.int(0)], ['position', p.int(9)],
    ['keys', p.bin(Buffer.alloc(12))]).toString('hex'), error: 'multiple of 8' },
  { name: 'without a history', hex: p.map(['feed', p.int(3)], ['prev', p.int(0)], ['position', p.int(9)]).toString('hex'),
    error: "'history' is missing" },
  { name: 'a collection of two parts', hex: p.map(['feed', p.int(3)], ['history', p.int(1)], ['prev', p.int(0)], ['position', p.int(9)],
    ['collections', p.arr(p.arr(p.str('a'), p.str('b')))]).toString('hex'), error: 'vault, collection' },
];
