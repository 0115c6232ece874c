// The vectors against the public libraries: what we write they read, and what they write is what was frozen for us to read.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { foreignVectors } from './generate-foreign.mjs';
import { libraries, Time } from './libraries.mjs';
import { bytesOf, load, textOf } from './vector-file.mjs';

const toBigInt = value => BigInt(value);

/** Compares a value of a library with the tagged notation of tests/vectors/README.md. */
function same(library, value, tagged, name) {
  switch (tagged.type) {
    case 'nil': return assert.equal(value, null, name);
    case 'bool': return assert.equal(value, tagged.value, name);
    case 'int': return assert.equal(toBigInt(value), BigInt(tagged.value), name);
    case 'float': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      const bits = Number.isNaN(value) ? '7ff8000000000000' : bytes.toString('hex');
      return assert.equal(bits, tagged.bits, name);
    }
    case 'str': return assert.equal(value, textOf(tagged), name);
    case 'bin': return assert.equal(Buffer.from(value).toString('hex'), tagged.hex ?? tagged.unit.repeat(tagged.times), name);
    case 'ext':
      assert.equal(value.type, tagged.ext, name);
      return assert.equal(Buffer.from(value.data).toString('hex'), tagged.hex ?? tagged.unit.repeat(tagged.times), name);
    case 'timestamp': return sameTime(library, value, tagged, name);
    case 'array': {
      const items = tagged.items ?? Array(tagged.times).fill(tagged.item);
      assert.equal(value.length, items.length, name);
      return items.forEach((item, index) => same(library, value[index], item, name));
    }
    case 'map': {
      const entries = [...library.mapOf(value)];
      assert.equal(entries.length, tagged.pairs.length, name);
      return tagged.pairs.forEach(([key, item], index) => {
        same(library, entries[index][0], key, name);
        same(library, entries[index][1], item, name);
      });
    }
    case 'nested': {
      let levels = 1;
      for (let inner = value; inner.length > 0; inner = inner[0]) levels++;
      return assert.equal(levels, tagged.levels, name);
    }
    default: return assert.fail(`${name}: no such type: ${tagged.type}`);
  }
}

function sameTime(library, value, tagged, name) {
  if (value instanceof Time) {
    assert.equal(value.seconds, BigInt(tagged.seconds), name);
    return assert.equal(value.nanoseconds, tagged.nanoseconds, name);
  }
  const milliseconds = Number(tagged.seconds) * 1000 + Math.floor(tagged.nanoseconds / 1e6);
  // A Date holds milliseconds only, and the library rounds fractions of them either way.
  return assert.ok(Math.abs(value.getTime() - milliseconds) <= 1, `${name}: ${value.getTime()} is not ${milliseconds}`);
}

for (const library of libraries) {
  test(`${library.name} reads every single value that we read`, () => {
    for (const vector of load('format.json').vectors) same(library, library.decode(bytesOf(vector)), vector.decoded, vector.name);
  });

  test(`${library.name} reads every envelope`, () => {
    let count = 0;
    for (const vector of load('envelopes.json').vectors.filter(item => item.decoded)) {
      const envelope = library.mapOf(library.decode(bytesOf(vector)));
      checkEnvelope(library, envelope, vector.decoded, vector.name);
      count++;
    }
    assert.ok(count > 25);
  });

  test(`${library.name} reads every beat, and its keys are what the checksums say`, () => {
    for (const vector of load('beats.json').vectors.filter(item => item.decoded)) {
      const beat = library.mapOf(library.decode(bytesOf(vector)));
      for (const name of ['feed', 'history', 'prev', 'position']) {
        assert.equal(toBigInt(beat.get(name)), BigInt(vector.decoded[name]), `${vector.name}: ${name}`);
      }
      const keys = Buffer.from(beat.get('keys') ?? []);
      assert.equal(keys.length, vector.decoded.keys.length * 8, vector.name);
      vector.decoded.keys.forEach(([crc, offset], index) => {
        assert.equal(keys.readUInt32BE(index * 8), parseInt(crc, 16), vector.name);
        assert.equal(keys.readUInt32BE(index * 8 + 4), offset, vector.name);
      });
    }
  });

  test(`${library.name} reads every request and reply`, () => {
    for (const vector of load('messages.json').vectors.filter(item => item.decoded)) {
      assert.notEqual(library.decode(bytesOf(vector)), undefined, vector.name);
    }
  });

  test(`${library.name} reads what we make of JSON`, () => {
    for (const { json, hex, back } of load('json.json').both) {
      const value = library.decode(Buffer.from(hex, 'hex'));
      assert.deepEqual(plain(library, value), JSON.parse(back), json);
    }
  });
}

/** What JSON.parse would give: numbers of any kind as doubles, maps as objects. */
function plain(library, value) {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(item => plain(library, item));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries([...library.mapOf(value)].map(([key, item]) => [key, plain(library, item)]));
}

function checkEnvelope(library, envelope, decoded, name) {
  for (const field of ['sequence', 'feed', 'position', 'history', 'after']) {
    if (decoded[field] !== undefined) assert.equal(toBigInt(envelope.get(field)), BigInt(decoded[field]), `${name}: ${field}`);
  }
  for (const field of ['vault', 'collection', 'key', 'producer']) assert.equal(envelope.get(field), decoded[field], `${name}: ${field}`);
  assert.equal(envelope.get('schema_version') ?? null, decoded.schema_version, name);
  for (const field of ['id', 'hash']) {
    if (decoded[field]) assert.equal(Buffer.from(envelope.get(field)).toString('hex'), decoded[field], `${name}: ${field}`);
  }
  assert.ok(envelope.has('value'), name);
  if (decoded.hash) {
    assert.equal(createHash('sha256').update(Buffer.from(decoded.value, 'hex')).digest('hex'), decoded.hash, `${name}: hash`);
  }
}

test('the chain is SHA-256 over the previous value and the fields', () => {
  let chain = Buffer.alloc(32);
  for (const fact of load('chain.json').facts) {
    chain = createHash('sha256').update(chain).update(Buffer.from(fact.fields, 'hex')).digest();
    assert.equal(chain.toString('hex'), fact.chain);
  }
});

test('what the libraries write is what was frozen for the other side to read', () => {
  assert.deepEqual(load('foreign.json').vectors, foreignVectors());
});
