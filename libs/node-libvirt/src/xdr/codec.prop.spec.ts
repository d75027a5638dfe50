import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as x from './codec.js';
import type { Codec } from './codec.js';
import { XdrError, XdrReader } from './reader.js';
import { XdrWriter } from './writer.js';

const encode = <T>(codec: Codec<T>, value: T): Buffer => {
  const writer = new XdrWriter();
  codec.write(writer, value);
  return writer.body();
};

const holdsRoundTrip = <T>(codec: Codec<T>, values: fc.Arbitrary<T>): void =>
  fc.assert(
    fc.property(values, (value) => {
      const bytes = encode(codec, value);
      const reader = new XdrReader(bytes);
      expect(codec.read(reader)).toEqual(value);
      expect(reader.remainingBytes).toBe(0);
      expect(bytes.length % 4).toBe(0);
    }),
  );

const text = fc.string({ unit: 'binary', maxLength: 200 }).filter((s) => !s.includes('\0'));

describe('XDR codecs read back what they wrote', () => {
  it('integers', () => {
    holdsRoundTrip(x.int32, fc.integer());
    holdsRoundTrip(x.uint32, fc.nat({ max: 0xffff_ffff }));
    holdsRoundTrip(x.int64, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    holdsRoundTrip(x.uint64, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    holdsRoundTrip(x.uint64Number, fc.maxSafeNat());
    holdsRoundTrip(x.int64Number, fc.maxSafeInteger());
    holdsRoundTrip(x.boolean, fc.boolean());
    holdsRoundTrip(x.double, fc.double());
  });

  it('strings and bytes, padded to four', () => {
    holdsRoundTrip(x.string(1_000), text);
    holdsRoundTrip(
      x.opaque(1_000),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
  });

  it('compositions', () => {
    const pair = x.struct<{ name: string; size: number | null }>({
      name: x.string(1_000),
      size: x.nullable(x.int32),
    });
    const pairs = fc.array(fc.record({ name: text, size: fc.option(fc.integer()) }));
    holdsRoundTrip(x.array(pair, 100), pairs);
    holdsRoundTrip(
      x.followed(x.array(x.int32, 100), x.uint32, (values) => values.length),
      fc.array(fc.integer()),
    );
  });
});

describe('XDR values that cannot be', () => {
  it.each<[string, Codec<any>, unknown]>([
    ['a fraction', x.int32, 1.5],
    ['too large an int', x.int32, 2 ** 31],
    ['a negative unsigned', x.uint32, -1],
    ['too large a hyper', x.uint64, 2n ** 64n],
    ['a number past 2^53', x.uint64Number, 2 ** 53],
    ['NaN', x.uint64Number, Number.NaN],
    ['a string with NUL', x.string(100), 'name\0suffix'],
    ['a string over its limit', x.string(3), 'four'],
    ['an array over its limit', x.array(x.int32, 1), [1, 2]],
  ])('%s is not written', (_, codec, value) => {
    expect(() => encode(codec, value)).toThrow(XdrError);
  });

  it.each<[string, Codec<unknown>, number[]]>([
    ['a string longer than its limit', x.string(8), [0, 0, 0, 9]],
    ['a string longer than the message', x.string(2 ** 31), [0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4]],
    ['an array that claims four billion', x.array(x.int32, 2 ** 32), [0xff, 0xff, 0xff, 0xff]],
    ['an array over its limit', x.array(x.int32, 1), [0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1]],
    ['a pointer flag of 2', x.nullable(x.int32), [0, 0, 0, 2, 0, 0, 0, 0]],
    ['half an int', x.int32, [0, 0]],
    ['missing padding', x.string(8), [0, 0, 0, 1, 65]],
  ])('%s is not read', (_, codec, bytes) => {
    expect(() => codec.read(new XdrReader(Buffer.from(bytes)))).toThrow(XdrError);
  });
});
