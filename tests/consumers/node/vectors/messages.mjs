// Bodies of requests and replies. decoded is what the fields say, in the words of docs/PROTOCOL.md.
import * as p from '../pack.mjs';
import { full, history, packEnvelope } from './envelopes.mjs';

const id = '0193a1b2c3d47e5f8a9b000000000001';
const other = '0193a1b2c3d47e5f8a9b000000000009';
const hash = full.hash;
const hex = buffer => buffer.toString('hex');
const value = p.raw(full.value);
const bin = text => p.bin(p.raw(text));
const good = (message, name, bytes, decoded, canonical = true) => ({ message, name, hex: hex(bytes), canonical, decoded });
const bad = (message, name, bytes, error) => ({ message, name, hex: hex(bytes), error });

const put = {
  op: 'put', value: full.value, schema_version: '3.1', producer: 'service:billing', expected: '6', only_if_absent: true,
  idempotency_key: '0193a1b2-c3d4-7e5f-8a9b-0000000000aa', valid_time: '1700000000000000', causation: other,
};
const putFields = [
  ['op', p.str('put')], ['value', value], ['schema_version', p.str('3.1')], ['producer', p.str('service:billing')],
  ['expected', p.int(6)], ['only_if_absent', p.bool(true)], ['idempotency_key', p.str(put.idempotency_key)],
  ['valid_time', p.time(put.valid_time)], ['causation', bin(other)],
];
const keyFields = [['vault', p.str('acme')], ['collection', p.str('user')], ['key', p.str('123')]];
const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const plain = { op: 'delete', value: 'c0', schema_version: '1.0', producer: 'client:anonymous' };
const plainFields = [['op', p.str('delete')], ['value', p.nil()], ['schema_version', p.str('1.0')], ['producer', p.str('client:anonymous')]];

const receipt = {
  fact_id: id, vault: 'acme', collection: 'user', key: '123', sequence: '7', feed: 3, history, position: '1234567',
  transaction_time: full.time, value_hash: hash, causation: other,
};
const packReceipt = r => p.map(['fact_id', bin(r.fact_id)], ['vault', p.str(r.vault)], ['collection', p.str(r.collection)],
  ['key', p.str(r.key)], ['sequence', p.int(r.sequence)], ['feed', p.int(r.feed)], ['history', p.int(r.history)],
  ['position', p.int(r.position)], ['transaction_time', p.time(r.transaction_time)], ['value_hash', bin(r.value_hash)],
  ['causation', r.causation === null ? p.nil() : bin(r.causation)]);
const committed = p.map(['outcome', p.str('committed')], ['receipt', packReceipt(receipt)], ['replayed', p.bool(true)]);
const refused = p.map(['outcome', p.str('refused')], ['code', p.str('expected-sequence-differs')], ['detail', p.str('it is 7')],
  ['current', packEnvelope(full)]);
const unknown = p.map(['outcome', p.str('unknown')], ['reason', p.str('the connection was lost')]);
const outcomes = [
  { outcome: 'committed', receipt, replayed: true },
  { outcome: 'refused', code: 'expected-sequence-differs', detail: 'it is 7', current: full },
  { outcome: 'unknown', reason: 'the connection was lost' },
];

const fact = {
  id, vault: 'acme', collection: 'user', key: '123', sequence: '7', op: 'put', value: full.value, value_hash: hash,
  schema_version: '3.1', causation: other, transaction_time: full.time, valid_time: '1700000000000000', producer: ['service', 'billing:eu'],
  derivation: ['totals', '2', [other]], idempotency_key: put.idempotency_key, feed: 3, position: '1234567', after: '1234500', epoch: '12',
  chain: '11'.repeat(32),
};
const factFields = [
  ['id', bin(id)], ...keyFields, ['sequence', p.int(7)], ['op', p.str('put')], ['value', value], ['value_hash', bin(hash)],
  ['schema_version', p.str('3.1')], ['causation', bin(other)], ['transaction_time', p.time(full.time)],
  ['valid_time', p.time(fact.valid_time)], ['producer', p.arr(p.str('service'), p.str('billing:eu'))],
  ['derivation', p.arr(p.str('totals'), p.str('2'), p.arr(bin(other)))], ['idempotency_key', p.str(put.idempotency_key)],
  ['feed', p.int(3)], ['position', p.int(1234567)], ['after', p.int(1234500)], ['epoch', p.int(12)], ['chain', bin(fact.chain)],
];
const packFact = p.map(...factFields);
const place = [['feed', p.int(3)], ['history', p.int(history)], ['floor', p.int(1)], ['position', p.int(1234568)]];
const placeOf = { feed: 3, history, floor: '1', position: '1234568' };

export const messageFile = {
  about: 'Bodies of requests and replies: bytes and decoded form, or an error. canonical: our own writer gives exactly these bytes.',
  refusal_codes: ['invalid-name', 'malformed-request', 'invalid-value', 'invalid-schema-version', 'too-large',
    'expected-sequence-differs', 'live-record-exists', 'no-live-record', 'idempotency-key-reused', 'wrong-shape', 'invalid-batch',
    'no-owner', 'overloaded', 'shutting-down', 'data-error', 'ledger-unavailable'],
  vectors: [
    good('write-command', 'everything', p.map(...putFields), put),
    good('write-command', 'a delete', p.map(...plainFields), plain),
    good('write-command', 'a value alone', p.map(['value', p.int(1)]), { ...plain, op: 'put', value: '01' }, false),
    good('write-command', 'nil is not given', p.map(['value', p.nil()], ['expected', p.nil()], ['producer', p.nil()],
      ['schema_version', p.nil()], ['idempotency_key', p.nil()], ['valid_time', p.nil()], ['causation', p.nil()],
      ['only_if_absent', p.nil()], ['op', p.nil()], ['new', p.int(1)]), { ...plain, op: 'put' }, false),
    bad('write-command', 'nothing', p.map(), "'value' is missing"),
    bad('write-command', 'a delete with a value', p.map(['op', p.str('delete')], ['value', p.int(1)]), 'nil'),
    bad('write-command', 'a key of its own', p.map(['value', p.int(1)], ['key', p.str('123')]), 'subject'),
    bad('write-command', 'expected -1', p.map(['value', p.int(1)], ['expected', p.int(-1)]), 'range'),
    bad('write-command', 'trailing', Buffer.concat([p.map(['value', p.int(1)]), p.nil()]), 'trailing'),
    good('forwarded-writes', 'two', p.map(
      ['commands', p.arr(p.map(...putFields, ...keyFields, ['traceparent', p.str(trace)]), p.map(...plainFields, ...keyFields))],
      ['atomic', p.bool(true)], ['principal', p.str('user:ada')], ['deadline', p.time('1732147209000000')]), {
      commands: [{ ...put, vault: 'acme', collection: 'user', key: '123', traceparent: trace },
        { ...plain, vault: 'acme', collection: 'user', key: '123' }],
      atomic: true, principal: 'user:ada', deadline: '1732147209000000',
    }),
    bad('forwarded-writes', 'none', p.map(['commands', p.arr()]), '1 to 1000'),
    bad('forwarded-writes', 'without a key', p.map(['commands', p.arr(p.map(...plainFields))]), "'vault' is missing"),
    good('write-result', 'committed', committed, outcomes[0]),
    good('write-result', 'refused', refused, outcomes[1]),
    good('write-result', 'unknown', unknown, outcomes[2]),
    good('write-result', 'no causation', p.map(['outcome', p.str('committed')], ['receipt', packReceipt({ ...receipt, causation: null })],
      ['replayed', p.bool(false)]), { outcome: 'committed', receipt: { ...receipt, causation: null }, replayed: false }),
    bad('write-result', 'committed without a receipt', p.map(['outcome', p.str('committed')]), 'receipt'),
    bad('write-result', 'another outcome', p.map(['outcome', p.str('maybe')]), 'outcome'),
    good('write-results', 'three', p.map(['outcomes', p.arr(committed, refused, unknown)]), { outcomes }),
    good('getmany', 'three', p.arr(p.arr(p.str('user'), p.str('123'), p.int(-1)), p.arr(p.str('user'), p.str('ž'), p.int(7)),
      p.arr(p.str('order'), p.str('1'), p.int(0))), [['user', '123', '-1'], ['user', 'ž', '7'], ['order', '1', '0']]),
    good('getmany', 'none', p.arr(), []),
    bad('getmany', 'an item of two', p.arr(p.arr(p.str('user'), p.str('123'))), 'parts'),
    bad('getmany', 'have -2', p.arr(p.arr(p.str('user'), p.str('123'), p.int(-2))), 'range'),
    bad('getmany', 'more than 1,000', p.arr(...Array(1001).fill(p.arr(p.str('u'), p.str('1'), p.int(0)))), '1000'),
    good('getmany-group', 'two', p.arr(p.arr(p.str('pypi--django'), p.str('advisory'), p.str('1'), p.int(0)),
      p.arr(p.str('pypi--flask'), p.str('advisory'), p.str('2'), p.int(5))),
    [['pypi--django', 'advisory', '1', '0'], ['pypi--flask', 'advisory', '2', '5']]),
    bad('getmany-group', 'an item of three', p.arr(p.arr(p.str('user'), p.str('123'), p.int(0))), 'parts'),
    good('answer', 'one envelope', p.map(...place, ['answered', p.int(2)], ['envelopes', p.arr(packEnvelope(full))]),
      { ...placeOf, answered: 2, envelopes: [full] }),
    bad('answer', 'without a floor', p.map(...place.filter(([name]) => name !== 'floor'), ['answered', p.int(0)], ['envelopes', p.arr()]),
      "'floor' is missing"),
    good('history-request', 'both', p.map(['after', p.int(5)], ['limit', p.int(20)]), { after: '5', limit: 20 }),
    good('history-request', 'neither', p.map(), { after: '0', limit: 100 }, false),
    bad('history-request', 'limit 0', p.map(['limit', p.int(0)]), 'range'),
    bad('history-request', 'limit 1,001', p.map(['limit', p.int(1001)]), 'range'),
    good('history-page', 'one fact', p.map(...place, ['facts', p.arr(packFact)], ['more', p.bool(true)]),
      { ...placeOf, facts: [fact], more: true }),
    good('fact', 'everything', packFact, fact),
    good('fact', 'what is optional is left out',
      p.map(...factFields.filter(([name]) => !['causation', 'valid_time', 'derivation', 'idempotency_key'].includes(name))),
      { ...fact, causation: null, valid_time: null, derivation: null, idempotency_key: null }, false),
    bad('fact', 'without an epoch', p.map(...factFields.filter(([name]) => name !== 'epoch')), "'epoch' is missing"),
    bad('fact', 'producer is text', p.map(...factFields.map(([name, packed]) => [name, name === 'producer' ? p.str('a:b') : packed])), 'array'),
  ],
};
