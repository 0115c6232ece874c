// The two public libraries, set up so that nothing is lost: 64-bit integers exact, timestamps with their nanoseconds,
// extensions as bytes.
import { Decoder, Encoder, ExtData, ExtensionCodec, decodeTimestampToTimeSpec } from '@msgpack/msgpack';
import { Packr, Unpackr, addExtension } from 'msgpackr';

/** Seconds and nanoseconds of a timestamp; a Date of either library would cut them to milliseconds. */
export class Time {
  constructor(seconds, nanoseconds) {
    this.seconds = BigInt(seconds);
    this.nanoseconds = nanoseconds;
  }
}

const extensionCodec = new ExtensionCodec();
extensionCodec.register({
  type: -1,
  encode: () => null,
  decode: bytes => {
    const { sec, nsec } = decodeTimestampToTimeSpec(bytes);
    return new Time(sec, nsec);
  },
});

for (const type of [5, 9, 100, -128]) {
  addExtension({ Class: class {}, type: type & 255, unpack: bytes => new ExtData(type, bytes), pack: () => Buffer.alloc(0) });
}

export const libraries = [
  {
    name: '@msgpack/msgpack',
    // Integers of the 64-bit forms come as BigInt; text keys give an object.
    decode: bytes => new Decoder({ useBigInt64: true, extensionCodec, rawStrings: false }).decode(bytes),
    encode: value => Buffer.from(new Encoder({ useBigInt64: true }).encode(value)),
    hasNanoseconds: true,
    mapOf: value => (value instanceof Map ? value : new Map(Object.entries(value))),
  },
  {
    name: 'msgpackr',
    decode: bytes => new Unpackr({ useRecords: false, mapsAsObjects: false, int64AsType: 'bigint' }).unpack(bytes),
    encode: value => Buffer.from(new Packr({ useRecords: false }).pack(value)),
    hasNanoseconds: false, // its timestamps are Dates
    mapOf: value => value,
  },
];
