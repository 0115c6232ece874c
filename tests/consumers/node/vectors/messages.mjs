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
const appendFields = putFields.map(([name, packed]) => [name, name === 'op' ? p.str('append') : packed]);
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

const snapshot = { feeds: 8, ...placeOf, envelopes: [full], collections: [['acme', 'order', '9'], ['acme', 'user', '1234568']], more: true };
const entry = (vault, collection, last) => p.arr(p.str(vault), p.str(collection), p.int(last));
// Lists that are cut while they are written have a count of 16 bits.
const list = (...items) => Buffer.concat([p.arr16Head(items.length), ...items]);
const snapshotFields = [['feeds', p.int(8)], ...place, ['envelopes', list(packEnvelope(full))],
  ['collections', list(entry('acme', 'order', 9), entry('acme', 'user', 1234568))], ['more', p.bool(true)]];
const changesFields = [...place, ['envelopes', list(packEnvelope(full))], ['through', p.int(1234568)]];
const vaultsFields = [['history', p.int(history)],
  ['vaults', p.arr(p.arr(p.str('pypi--django'), p.int(3), p.int(1234568)), p.arr(p.str('pypi--flask'), p.int(0), p.int(0)))],
  ['more', p.bool(true)]];
const answerOf = (...envelopes) => p.map(...place, ['answered', p.int(2)], ['envelopes', p.arr(...envelopes)]);
const without = (fields, left) => p.map(...fields.filter(([name]) => name !== left));
const withField = (fields, changed, packed) => p.map(...fields.map(([name, was]) => [name, name === changed ? packed : was]));
const thousands = (count, item) => Buffer.concat([p.arrHead(count), ...Array(count).fill(item)]);

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
    good('append-command', 'everything', p.map(...appendFields, ['key', p.str('e-1')]), { ...put, op: 'append', key: 'e-1' }),
    good('append-command', 'without a key', p.map(...appendFields), { ...put, op: 'append' }),
    good('append-command', 'a value alone', p.map(['value', p.int(1)]), { ...plain, op: 'append', value: '01' }, false),
    good('append-command', 'nil is not given', p.map(['value', p.int(1)], ['key', p.nil()], ['op', p.nil()]),
      { ...plain, op: 'append', value: '01' }, false),
    bad('append-command', 'a put', p.map(['op', p.str('put')], ['value', p.int(1)]), 'append'),
    bad('append-command', 'a delete', p.map(['op', p.str('delete')]), 'append'),
    bad('append-command', 'a vault of its own', p.map(['value', p.int(1)], ['vault', p.str('acme')]), 'subject'),
    bad('append-command', 'nothing', p.map(), "'value' is missing"),
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
    good('write-result', 'refused, with the last sequence', p.map(['outcome', p.str('refused')],
      ['code', p.str('expected-sequence-differs')], ['detail', p.str('it is 7')], ['last', p.int(7)]),
    { outcome: 'refused', code: 'expected-sequence-differs', detail: 'it is 7', last: '7' }),
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
    good('group-answer', 'two vaults', p.arr(p.map(['vault', p.str('pypi--django')], ['answer', answerOf(packEnvelope(full))]),
      p.map(['vault', p.str('pypi--flask')], ['answer', answerOf()])), [
      { vault: 'pypi--django', answer: { ...placeOf, answered: 2, envelopes: [full] } },
      { vault: 'pypi--flask', answer: { ...placeOf, answered: 2, envelopes: [] } },
    ]),
    bad('group-answer', 'without a vault', p.arr(p.map(['answer', answerOf()])), "'vault' is missing"),
    bad('group-answer', 'an answer without a floor', p.arr(p.map(['vault', p.str('a--b')], ['answer', p.map(['feed', p.int(3)])])),
      'is missing'),
    bad('group-answer', 'more than 100', thousands(101, p.map(['vault', p.str('a--b')], ['answer', answerOf()])), '100'),
    good('snapshot-request', 'everything', p.map(['feed', p.int(3)], ['after', p.arr(p.str('acme'), p.str('user'), p.str('ž'))],
      ['limit', p.int(10000)]), { feed: 3, after: ['acme', 'user', 'ž'], limit: 10000 }),
    good('snapshot-request', 'nil is not given', p.map(['feed', p.nil()], ['after', p.nil()], ['limit', p.int(1000)]),
      { feed: null, after: null, limit: 1000 }),
    good('snapshot-request', 'nothing', p.map(), { feed: null, after: null, limit: 1000 }, false),
    bad('snapshot-request', 'limit 0', p.map(['limit', p.int(0)]), 'range'),
    bad('snapshot-request', 'limit 10,001', p.map(['limit', p.int(10001)]), 'range'),
    bad('snapshot-request', 'feed 1,024', p.map(['feed', p.int(1024)]), 'range'),
    bad('snapshot-request', 'after of two', p.map(['after', p.arr(p.str('acme'), p.str('user'))]), 'parts'),
    good('snapshot-page', 'one record, one collection without', p.map(...snapshotFields), snapshot),
    good('snapshot-page', 'no record', p.map(['feeds', p.int(8)], ...place, ['envelopes', list()], ['collections', list()],
      ['more', p.bool(false)]), { feeds: 8, ...placeOf, envelopes: [], collections: [], more: false }),
    good('snapshot-page', 'short counts, another order, an unknown field', p.map(['more', p.bool(true)], ['new', p.arr(p.nil())],
      ['collections', p.arr(entry('acme', 'order', 9), entry('acme', 'user', 1234568))], ['envelopes', p.arr(packEnvelope(full))],
      ...place, ['feeds', p.int(8)]), snapshot, false),
    good('snapshot-page', 'a guess of the next end',
      p.map(...snapshotFields, ['next_end', p.arr(p.str('acme'), p.str('user'), p.str('ž'))]),
      { ...snapshot, next_end: ['acme', 'user', 'ž'] }),
    good('snapshot-page', 'nil is no guess', p.map(...snapshotFields, ['next_end', p.nil()]), snapshot, false),
    bad('snapshot-page', 'a next end of two parts', p.map(...snapshotFields, ['next_end', p.arr(p.str('acme'), p.str('user'))]), 'parts'),
    bad('snapshot-page', 'more without a record', withField(snapshotFields, 'envelopes', p.arr()), 'ask behind'),
    bad('snapshot-page', 'no feeds', withField(snapshotFields, 'feeds', p.int(0)), 'range'),
    bad('snapshot-page', 'without more', without(snapshotFields, 'more'), "'more' is missing"),
    bad('snapshot-page', 'a collection of two parts', withField(snapshotFields, 'collections', p.arr(p.arr(p.str('a'), p.str('b')))), 'parts'),
    bad('snapshot-page', 'a count past the end', withField(snapshotFields, 'envelopes', p.raw('dd7fffffff')), 'past the end'),
    good('changes-request', 'everything', p.map(['feed', p.int(3)], ['after', p.int('1234567')], ['limit', p.int(5)]),
      { feed: 3, after: '1234567', limit: 5 }),
    good('changes-request', 'a feed alone', p.map(['feed', p.int(0)]), { feed: 0, after: '0', limit: 1000 }, false),
    bad('changes-request', 'nothing', p.map(), "'feed' is missing"),
    bad('changes-request', 'nil for the feed', p.map(['feed', p.nil()]), 'integer'),
    bad('changes-request', 'after -1', p.map(['feed', p.int(0)], ['after', p.int(-1)]), 'range'),
    good('changes-page', 'one change', p.map(...changesFields), { ...placeOf, envelopes: [full], through: '1234568' }),
    good('changes-page', 'none', withField(changesFields, 'envelopes', list()), { ...placeOf, envelopes: [], through: '1234568' }),
    bad('changes-page', 'without through', without(changesFields, 'through'), "'through' is missing"),
    bad('changes-page', 'an envelope without a sequence', withField(changesFields, 'envelopes', p.arr(p.map(['value', p.int(1)]))),
      "'sequence' is missing"),
    good('vaults-request', 'everything', p.map(['after', p.str('pypi--a')], ['collection', p.str('advisory')], ['limit', p.int(7)]),
      { after: 'pypi--a', collection: 'advisory', limit: 7 }),
    good('vaults-request', 'nil is not given', p.map(['after', p.nil()], ['collection', p.nil()], ['limit', p.int(1000)]),
      { after: null, collection: null, limit: 1000 }),
    good('vaults-request', 'nothing', p.map(), { after: null, collection: null, limit: 1000 }, false),
    bad('vaults-request', 'limit 1,001', p.map(['limit', p.int(1001)]), 'range'),
    good('vaults-page', 'two', p.map(...vaultsFields),
      { history, vaults: [['pypi--django', 3, '1234568'], ['pypi--flask', 0, '0']], more: true }),
    bad('vaults-page', 'more without a vault', withField(vaultsFields, 'vaults', p.arr()), 'ask behind'),
    bad('vaults-page', 'more than 1,000', withField(vaultsFields, 'vaults', thousands(1001, p.arr(p.str('a--b'), p.int(0), p.int(0)))), '1000'),
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
