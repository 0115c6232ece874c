// A second, independent writer of MessagePack, so that the vectors are not made by the code they test.
// Every function gives a Buffer. Integers are BigInt or safe numbers; forms other than the shortest have their own names.

const byte = (...values) => Buffer.from(values);

function sized(form, width, size, ...rest) {
  const head = Buffer.alloc(1 + width);
  head[0] = form;
  head.writeUIntBE(size, 1, width);
  return Buffer.concat([head, ...rest]);
}

export const raw = hex => Buffer.from(hex.replaceAll(' ', ''), 'hex');
export const nil = () => byte(0xc0);
export const bool = value => byte(value ? 0xc3 : 0xc2);

export function int(value) {
  const n = BigInt(value);
  if (n >= 0n) {
    if (n < 1n << 7n) return byte(Number(n));
    if (n < 1n << 8n) return byte(0xcc, Number(n));
    if (n < 1n << 16n) return sized(0xcd, 2, Number(n));
    if (n < 1n << 32n) return sized(0xce, 4, Number(n));
    return wide(0xcf, n);
  }
  if (n >= -32n) return byte(256 + Number(n));
  if (n >= -(1n << 7n)) return byte(0xd0, 256 + Number(n));
  if (n >= -(1n << 15n)) return sized(0xd1, 2, 65536 + Number(n));
  if (n >= -(1n << 31n)) return sized(0xd2, 4, 4294967296 + Number(n));
  return wide(0xd3, BigInt.asUintN(64, n));
}

export function wide(form, bits) {
  const bytes = Buffer.alloc(9);
  bytes[0] = form;
  bytes.writeBigUInt64BE(bits, 1);
  return bytes;
}

export function f64(value) {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

export function f32(value) {
  const bytes = Buffer.alloc(5);
  bytes[0] = 0xca;
  bytes.writeFloatBE(value, 1);
  return bytes;
}

export function strHead(size) {
  if (size < 32) return byte(0xa0 | size);
  return size < 256 ? sized(0xd9, 1, size) : size < 65536 ? sized(0xda, 2, size) : sized(0xdb, 4, size);
}

export function str(text) {
  const utf8 = Buffer.from(text, 'utf8');
  return Buffer.concat([strHead(utf8.length), utf8]);
}

export const binHead = size =>
  size < 256 ? sized(0xc4, 1, size) : size < 65536 ? sized(0xc5, 2, size) : sized(0xc6, 4, size);

export const bin = bytes => Buffer.concat([binHead(bytes.length), bytes]);

export const arrHead = count =>
  count < 16 ? byte(0x90 | count) : count < 65536 ? sized(0xdc, 2, count) : sized(0xdd, 4, count);

export const arr16Head = count => sized(0xdc, 2, count);

export const mapHead = count =>
  count < 16 ? byte(0x80 | count) : count < 65536 ? sized(0xde, 2, count) : sized(0xdf, 4, count);

export const arr = (...items) => Buffer.concat([arrHead(items.length), ...items]);

/** A map with text keys, from pairs of name and packed value; undefined values are left out. */
export function map(...pairs) {
  const given = pairs.filter(([, value]) => value !== undefined);
  return Buffer.concat([mapHead(given.length), ...given.flatMap(([name, value]) => [str(name), value])]);
}

export function extHead(type, size) {
  const tail = byte(type & 255);
  const fixed = { 1: 0xd4, 2: 0xd5, 4: 0xd6, 8: 0xd7, 16: 0xd8 }[size];
  if (fixed) return Buffer.concat([byte(fixed), tail]);
  return size < 256 ? sized(0xc7, 1, size, tail) : size < 65536 ? sized(0xc8, 2, size, tail) : sized(0xc9, 4, size, tail);
}

export const ext = (type, bytes) => Buffer.concat([extHead(type, bytes.length), bytes]);

/** A timestamp of whole microseconds, in the shortest of the three forms. */
export function time(micros) {
  const all = BigInt(micros);
  let seconds = all / 1000000n;
  let rest = all % 1000000n;
  if (rest < 0n) [seconds, rest] = [seconds - 1n, rest + 1000000n];
  return timeOf(seconds, rest * 1000n);
}

export function timeOf(seconds, nanos) {
  const [s, n] = [BigInt(seconds), BigInt(nanos)];
  if (s >= 0n && s < 1n << 32n && n === 0n) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(Number(s));
    return ext(-1, bytes);
  }
  if (s >= 0n && s < 1n << 34n) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE((n << 34n) | s);
    return ext(-1, bytes);
  }
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(Number(n));
  bytes.writeBigInt64BE(s, 4);
  return ext(-1, bytes);
}
