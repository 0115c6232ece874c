// The hash chain of a feed, made without the code that it is to test.
import { createHash } from 'node:crypto';
import * as p from '../pack.mjs';

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const nullOr = (value, pack) => (value === null ? p.nil() : pack(value));
const bin = hex => p.bin(p.raw(hex));
const id = n => `0193a1b2c3d47e5f8a9b${n.toString(16).padStart(12, '0')}`;

const fields = fact => p.arr(
  bin(fact.id), p.str(fact.vault), p.str(fact.collection), p.str(fact.key), p.int(fact.sequence), p.str(fact.op),
  p.bin(sha256(p.raw(fact.value))), nullOr(fact.schema_version, p.str), nullOr(fact.causation, bin),
  p.time(fact.transaction_time), nullOr(fact.valid_time, p.time), p.arr(...fact.producer.map(p.str)),
  nullOr(fact.derivation, ([rule, version, sources]) => p.arr(p.str(rule), p.str(version), p.arr(...sources.map(bin)))),
  nullOr(fact.idempotency_key, p.str), p.int(fact.feed), p.int(fact.position));

const plain = {
  vault: 'acme', collection: 'user', key: '123', op: 'put', schema_version: '3.1', causation: null, valid_time: null,
  producer: ['client', 'anonymous'], derivation: null, idempotency_key: null, feed: 3,
};

const facts = [
  { ...plain, id: id(1), sequence: '1', value: '82a46e616d65a3416461a361676524', transaction_time: '1732147200123456', position: '1' },
  { ...plain, id: id(2), sequence: '2', value: 'c0', op: 'delete', causation: id(1), transaction_time: '1732147200123457', position: '2',
    valid_time: '1700000000000000', idempotency_key: '0193a1b2-c3d4-7e5f-8a9b-0000000000aa' },
  { ...plain, id: id(3), vault: 'pypi--django', collection: 'advisory', key: 'PYSEC-名前-😀', sequence: '1', op: 'append', value: '07',
    transaction_time: '1732147201000000', position: '3', producer: ['service', 'billing:eu'], schema_version: '999999999.0',
    derivation: ['totals', '2', [id(1), id(2)]] },
  { ...plain, id: id(4), sequence: '9223372036854775807', value: `a${'1'}61`, transaction_time: '-1', position: '4',
    derivation: ['none', '1.0', []], idempotency_key: 'k'.repeat(128), valid_time: '0' },
  { ...plain, id: id(5), key: 'k'.repeat(512), sequence: '3', causation: id(2), value: 'dc0010' + 'c0'.repeat(16),
    transaction_time: '253402300799999999', position: '9223372036854775807', feed: 1023,
    derivation: ['many', '7', Array.from({ length: 100 }, (_, n) => id(1000 + n))] },
];

let chain = Buffer.alloc(32);

export const chainFile = {
  about: 'Facts in the order of their feed. fields: the array that is hashed behind the previous chain value; the first follows 32 zero bytes.',
  facts: facts.map(fact => {
    const packed = fields(fact);
    chain = sha256(chain, packed);
    return { ...fact, value_hash: sha256(p.raw(fact.value)).toString('hex'), fields: packed.toString('hex'), chain: chain.toString('hex') };
  }),
};
