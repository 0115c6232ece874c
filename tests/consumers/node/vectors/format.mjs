// Values at every boundary of the format, and what is not a value.
import * as p from '../pack.mjs';

const hex = buffer => buffer.toString('hex');
const of = (name, bytes, decoded, shortest = true) => ({ name, hex: hex(bytes), decoded, shortest });
const int = value => ({ type: 'int', value: String(value) });
const float = bytes => ({ type: 'float', bits: bytes });
const str = value => ({ type: 'str', value });

const bits = value => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return hex(bytes);
};

const two = power => 1n << BigInt(power);
const integers = [0n, 1n, 127n, 128n, 255n, 256n, 32767n, 32768n, 65535n, 65536n, two(31) - 1n, two(31), two(32) - 1n, two(32),
  two(53) - 1n, two(53), two(53) + 1n, two(63) - 1n, two(63), two(64) - 1n,
  -1n, -32n, -33n, -127n, -128n, -129n, -32768n, -32769n, -two(31), -two(31) - 1n, -two(53) - 1n, -two(63)];

const doubles = [0, -0, 1, -1, 0.1, 1.5, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e21, 123456789.125,
  Infinity, -Infinity];

function repeated(name, head, unit, times, decoded) {
  return { name, parts: [{ hex: hex(head) }, { hex: unit, times }], decoded, shortest: true };
}

export const formatVectors = [
  of('nil', p.nil(), { type: 'nil' }),
  of('false', p.bool(false), { type: 'bool', value: false }),
  of('true', p.bool(true), { type: 'bool', value: true }),
  ...integers.map(value => of(`int ${value}`, p.int(value), int(value))),
  of('uint8 form of 1', p.raw('cc01'), int(1), false),
  of('uint16 form of 1', p.raw('cd0001'), int(1), false),
  of('uint32 form of 1', p.raw('ce00000001'), int(1), false),
  of('uint64 form of 1', p.raw('cf0000000000000001'), int(1), false),
  of('int8 form of 1', p.raw('d001'), int(1), false),
  of('int16 form of -1', p.raw('d1ffff'), int(-1), false),
  of('int32 form of -1', p.raw('d2ffffffff'), int(-1), false),
  of('int64 form of -1', p.raw('d3ffffffffffffffff'), int(-1), false),
  of('int64 form of 2^63-1', p.raw('d37fffffffffffffff'), int(two(63) - 1n), false),
  ...doubles.map(value => of(`float64 ${Object.is(value, -0) ? '-0' : value}`, p.f64(value), float(bits(value)))),
  of('float64 NaN', p.raw('cb7ff8000000000000'), float('7ff8000000000000')),
  of('float32 1.5', p.f32(1.5), float(bits(1.5)), false),
  of('float32 0.1', p.f32(0.1), float(bits(Math.fround(0.1))), false),
  of('float32 smallest', p.raw('ca00000001'), float(bits(2 ** -149)), false),
  of('float32 -Infinity', p.raw('caff800000'), float(bits(-Infinity)), false),
  of('empty string', p.str(''), str('')),
  of('text in many scripts', p.str('aé名😀\u0000\u007f'), str('aé名😀\u0000\u007f')),
  ...[31, 32, 255, 256, 65535, 65536].map(times =>
    repeated(`string of ${times}`, p.strHead(times), '61', times, { type: 'str', text: 'a', times })),
  of('str8 form of a', p.raw('d90161'), str('a'), false),
  of('str16 form of a', p.raw('da000161'), str('a'), false),
  of('str32 form of a', p.raw('db0000000161'), str('a'), false),
  of('empty binary', p.bin(Buffer.alloc(0)), { type: 'bin', hex: '' }),
  of('binary', p.bin(p.raw('00ff80')), { type: 'bin', hex: '00ff80' }),
  ...[255, 256, 65535, 65536].map(times =>
    repeated(`binary of ${times}`, p.binHead(times), 'fe', times, { type: 'bin', unit: 'fe', times })),
  ...[0, 1, 2, 3, 4, 8, 15, 16, 17].map(size =>
    of(`ext of ${size}`, p.ext(5, Buffer.alloc(size, 7)), { type: 'ext', ext: 5, hex: '07'.repeat(size) })),
  ...[255, 256, 65535, 65536].map(times =>
    repeated(`ext of ${times}`, p.extHead(5, times), '01', times, { type: 'ext', ext: 5, unit: '01', times })),
  of('ext 100, a sealed value', p.ext(100, p.raw('91')), { type: 'ext', ext: 100, hex: '91' }),
  of('ext -128', p.ext(-128, p.raw('00')), { type: 'ext', ext: -128, hex: '00' }),
  ...[[0, 0], [1, 0], [2 ** 32 - 1, 0], [2 ** 32, 0], [0, 1000], [1732147200, 123456000], [2 ** 34 - 1, 999999000],
    [2 ** 34, 0], [-1, 0], [-1, 999999000], [-62135596800, 0], [253402300799, 999999000]].map(([seconds, nanos]) =>
    of(`timestamp ${seconds}.${nanos}`, p.timeOf(seconds, nanos), time(seconds, nanos))),
  of('timestamp of 8 bytes that 4 would hold', p.raw('d7ff0000000000000001'), time(1, 0), false),
  of('timestamp of 12 bytes that 4 would hold', p.raw('c70cff000000000000000000000001'), time(1, 0), false),
  of('timestamp with nanoseconds', p.timeOf(1, 1999), time(1, 1999), false),
  of('empty array', p.arr(), { type: 'array', items: [] }),
  of('nested array', p.arr(p.int(1), p.arr(p.nil(), p.str('x')), p.arr()), {
    type: 'array', items: [int(1), { type: 'array', items: [{ type: 'nil' }, str('x')] }, { type: 'array', items: [] }],
  }),
  ...[15, 16, 65535, 65536].map(times =>
    repeated(`array of ${times}`, p.arrHead(times), 'c3', times, { type: 'array', item: { type: 'bool', value: true }, times })),
  of('array16 form of one', p.raw('dc0001c0'), { type: 'array', items: [{ type: 'nil' }] }, false),
  of('array32 form of one', p.raw('dd00000001c0'), { type: 'array', items: [{ type: 'nil' }] }, false),
  of('empty map', p.map(), { type: 'map', pairs: [] }),
  of('map in the order given', p.map(['b', p.int(2)], ['a', p.map(['c', p.arr(p.int(3))])]), {
    type: 'map', pairs: [[str('b'), int(2)], [str('a'), { type: 'map', pairs: [[str('c'), { type: 'array', items: [int(3)] }]] }]],
  }),
  ...[15, 16, 300].map(count => {
    const names = Array.from({ length: count }, (_, index) => `k${index}`);
    return of(`map of ${count}`, p.map(...names.map((name, index) => [name, p.int(index)])),
      { type: 'map', pairs: names.map((name, index) => [str(name), int(index)]) });
  }),
  of('map16 form of one', p.raw('de0001a161c0'), { type: 'map', pairs: [[str('a'), { type: 'nil' }]] }, false),
  of('map32 form of one', p.raw('df00000001a161c0'), { type: 'map', pairs: [[str('a'), { type: 'nil' }]] }, false),
  of('64 levels of arrays', p.raw('91'.repeat(63) + '90'), { type: 'nested', levels: 64 }),
];

function time(seconds, nanos) {
  return { type: 'timestamp', seconds: String(seconds), nanoseconds: nanos };
}

const bad = (name, bytes, error) => ({ name, hex: bytes.replaceAll(' ', ''), error });

export const malformedVectors = [
  bad('nothing', '', 'truncated'),
  bad('the type byte that is never used', 'c1', '0xc1'),
  bad('the same inside', '91 c1', '0xc1'),
  ...['cc', 'cd00', 'ce000000', 'cf00000000000000', 'd0', 'd100', 'd2000000', 'd300000000000000', 'ca000000', 'cb00000000000000',
    'd9', 'da00', 'db000000', 'c4', 'c500', 'c6000000', 'c701', 'c80001', 'c900000001', 'd4', 'd6', 'dc00', 'dd000000', 'de00',
    'df000000'].map(head => bad(`cut header ${head}`, head, 'truncated')),
  ...['a161'.slice(0, 2), 'a26161'.slice(0, 4), 'd90161'.slice(0, 4), 'c40200', 'd40a', 'd500', 'd8' + '00'.repeat(16), '91', '81a161',
    '9201', 'c70205ff'].map(head => bad(`cut body ${head}`, head, 'truncated')),
  bad('string of 4 GiB', 'db ffffffff 61', 'truncated'),
  bad('binary of 4 GiB', 'c6 ffffffff 61', 'truncated'),
  bad('extension of 4 GiB', 'c9 ffffffff 05 61', 'truncated'),
  bad('array of 4 G', 'dd ffffffff c0', 'truncated'),
  bad('map of 4 G', 'df ffffffff c0c0', 'truncated'),
  bad('array of 2 G', 'dd 7fffffff c0', 'truncated'),
  bad('map of 2 G', 'df 7fffffff c0c0', 'truncated'),
  bad('map of 1 G, twice of which is 2 G', 'df 40000000 c0c0', 'truncated'),
  bad('arrays that each claim the rest', 'dc0004 dc0003 dc0002 dc0001', 'truncated'),
  bad('65 levels of arrays', '91'.repeat(64) + '90', 'deep'),
  bad('65 levels of maps', '81a161'.repeat(64) + '80', 'deep'),
  bad('100,000 levels cut short', '91'.repeat(2000), 'deep'),
  bad('trailing byte', 'c0 c0', 'trailing'),
  bad('trailing half', '01 d9', 'trailing'),
  bad('duplicate key', '82 a161 01 a161 02', 'duplicate'),
  bad('duplicate key in another form', '82 a161 01 d90161 02', 'duplicate'),
  bad('duplicate key inside', '91 81 a178 82 a161 01 a161 02', 'duplicate'),
  bad('duplicate empty key', '82 a0 01 a0 02', 'duplicate'),
  bad('duplicate long key', '82 aa 61626364656667686970 01 aa 61626364656667686970 02', 'duplicate'),
  bad('duplicate integer key in another form', '82 01 c0 cc01 c0', 'duplicate'),
  bad('duplicate among 20', `de0014 ${Array.from({ length: 19 }, (_, n) => `a2${(0x6100 + n).toString(16)}c0`).join('')} a26105 c0`,
    'duplicate'),
  bad('array as a key', '81 90 c0', 'map key'),
  bad('map as a key', '81 80 c0', 'map key'),
  ...['80', 'c3', 'c0af', 'e08080', 'eda080', 'edbfbf', 'f4908080', 'f8888080', 'ff', 'e282', 'f09f98'].map(text =>
    bad(`invalid UTF-8 ${text}`, (0xa0 | text.length / 2).toString(16) + text, 'UTF-8')),
  bad('invalid UTF-8 in a key', '81 a1ff c0', 'UTF-8'),
  bad('timestamp of 5 bytes', 'c705ff0000000000', 'timestamp'),
  bad('timestamp of no bytes', 'c700ff', 'timestamp'),
  bad('timestamp with a second of nanoseconds', 'd7ff ee6b280000000000', 'timestamp'),
  bad('timestamp after the year 9999', 'c70cff 00000000 7fffffffffffffff', 'timestamp'),
];
