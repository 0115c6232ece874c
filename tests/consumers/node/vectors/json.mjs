// JSON texts and the MessagePack that is made of them, and back.
import * as p from '../pack.mjs';

const same = (json, packed) => ({ json, hex: packed.toString('hex'), back: json });
const other = (json, packed, back) => ({ json, hex: packed.toString('hex'), back });
const f = p.f64;

const both = [
  same('null', p.nil()), same('true', p.bool(true)), same('false', p.bool(false)),
  same('0', p.int(0)), same('127', p.int(127)), same('128', p.int(128)), same('-32', p.int(-32)), same('-33', p.int(-33)),
  same('9007199254740993', p.int(9007199254740993n)), same('9223372036854775807', p.int((1n << 63n) - 1n)),
  same('9223372036854775808', p.int(1n << 63n)), same('18446744073709551615', p.int((1n << 64n) - 1n)),
  same('-9223372036854775808', p.int(-(1n << 63n))),
  other('-0', p.int(0), '0'),
  same('-0.0', f(-0)), same('0.0', f(0)), same('1.0', f(1)), same('-1.5', f(-1.5)), same('0.1', f(0.1)),
  other('1e2', f(100), '100.0'), other('1E+2', f(100), '100.0'), other('100e-2', f(1), '1.0'), other('-0e0', f(-0), '-0.0'),
  other('1.10', f(1.1), '1.1'), other('0.30000000000000004', f(0.1 + 0.2), '0.30000000000000004'),
  other('18446744073709551616', f(2 ** 64), '1.8446744073709552E+19'),
  other('-9223372036854775809', f(-(2 ** 63)), '-9.223372036854776E+18'),
  other('123456789012345678901234567890', f(123456789012345678901234567890), '1.2345678901234568E+29'),
  other('1.7976931348623157e308', f(Number.MAX_VALUE), '1.7976931348623157E+308'), other('5e-324', f(5e-324), '5E-324'),
  other('1e-400', f(0), '0.0'), other('4.9e-324', f(5e-324), '5E-324'),
  same('""', p.str('')), same('"a"', p.str('a')), same('"é名😀"', p.str('é名😀')),
  other('"\\u00e9\\uD83D\\ude00"', p.str('é😀'), '"é😀"'), other('"\\/"', p.str('/'), '"/"'),
  same('"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f"', p.str('"\\\b\f\n\r\t\u0000\u001f')), same('"\u007f\u2028"', p.str('\u007f\u2028')),
  same(`"${'a'.repeat(31)}"`, p.str('a'.repeat(31))), same(`"${'a'.repeat(32)}"`, p.str('a'.repeat(32))),
  same(`"${'é'.repeat(128)}"`, p.str('é'.repeat(128))),
  same('[]', p.arr()), same('{}', p.map()),
  same('[1,[2,[]],{}]', p.arr(p.int(1), p.arr(p.int(2), p.arr()), p.map())),
  same('{"b":1,"a":{"c":[null]}}', p.map(['b', p.int(1)], ['a', p.map(['c', p.arr(p.nil())])])),
  other(' { "a" : [ 1 , 2.50 ] } ', p.map(['a', p.arr(p.int(1), f(2.5))]), '{"a":[1,2.5]}'),
  same('{"":1," ":2,"A":3,"a":4}', p.map(['', p.int(1)], [' ', p.int(2)], ['A', p.int(3)], ['a', p.int(4)])),
  same('{"é":1,"e\u0301":2}', p.map(['é', p.int(1)], ['e\u0301', p.int(2)])),
  same(`[${Array(16).fill('0').join()}]`, p.arr(...Array(16).fill(p.int(0)))),
  same('['.repeat(64) + ']'.repeat(64), p.raw('91'.repeat(63) + '90')),
];

const refused = [
  ...['', ' ', '[1,2', '{"a":1', '{"a"}', '{a:1}', "'a'", '[1,]', '{"a":1,}', '01', '1.', '.5', '+1', '0x10', 'NaN', 'Infinity',
    '-Infinity', 'nul', '1 2', '{}{}', '/* */1', '"\u0001"', '"\\x41"', '"\\ud83d"', '"\\ude00"', '"\\ud83dx"', '"\\ud83d\\u0041"',
    '{"\\ud83d":1}', '\ufeff1', '"abc'].map(json => ({ json, fault: 'malformed' })),
  ...['1e400', '-1e309', '9'.repeat(400), '{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '[{"x":{"k":1,"b":2,"k":3}}]',
    `{${Array.from({ length: 40 }, (_, n) => `"key number ${n % 39}":1`).join()}}`, '['.repeat(65) + ']'.repeat(65),
    '{"a":'.repeat(65) + '1' + '}'.repeat(65)].map(json => ({ json, fault: 'invalid-value' })),
  ...['22ff22', '22c0af22', '22eda08022', '7b22ff223a317d'].map(hex => ({ json_hex: hex, fault: 'malformed' })),
];

const notJson = [
  ['binary', p.bin(p.raw('00')), '$'], ['extension', p.map(['a', p.arr(p.nil(), p.ext(9, p.raw('00')))]), '$.a[1]'],
  ['timestamp', p.arr(p.time(0)), '$[0]'], ['sealed value', p.ext(100, p.raw('90')), '$'],
  ['NaN', p.map(['x', p.map(['y', p.raw('cb7ff8000000000000')])]), '$.x.y'], ['infinity', p.f64(Infinity), '$'],
  ['float32 infinity', p.arr(p.int(1), p.f32(-Infinity)), '$[1]'],
  ['integer key', p.raw('8101c0'), '$'], ['nil key', p.raw('81c0c0'), '$'],
].map(([name, packed, path]) => ({ name, hex: packed.toString('hex'), path }));

const toJson = [
  ['float32 is its exact double', p.f32(0.1), '0.10000000149011612'], ['float32 whole', p.f32(3), '3.0'],
  ['long forms', p.raw('93cc01d900dc0000'), '[1,"",[]]'], ['uint64 form', p.raw('cf0000000000000001'), '1'],
].map(([name, packed, json]) => ({ name, hex: packed.toString('hex'), json }));

export const jsonFile = {
  about: 'both: JSON, the MessagePack made of it, the JSON made of that. refused: JSON that is not taken. not_json: MessagePack that JSON has no words for, with the path. to_json: only this way.',
  both, refused, not_json: notJson, to_json: toJson,
};
