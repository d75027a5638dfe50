import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodeHello, HelloScan } from './hello.js';

const nonce = Buffer.from('0123456789abcdef');
const hello = encodeHello(nonce);
const earlier = encodeHello(Buffer.from('fedcba9876543210'));

/** Garbage that looks like an answer here and there. */
const garbage = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
      fc.constant(earlier),
      fc.integer({ min: 0, max: 39 }).map((length) => hello.subarray(0, length)),
    ),
    { maxLength: 6 },
  )
  .map((parts) => Buffer.concat(parts))
  .filter((bytes) => bytes.indexOf(hello) < 0);

describe('the answer to HELLO', () => {
  it('is 40 bytes, as the protocol has it', () => {
    expect(hello.toString('latin1')).toBe('\x01\x00\x00\x20\x00\x00\x00\x00BELLOWS-STREAMS10123456789abcdef');
  });

  it('is found behind any garbage however it is cut, and nothing that follows is lost', () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 90 }));
    fc.assert(
      fc.property(garbage, fc.uint8Array({ maxLength: 100 }), cuts, (before, after, lengths) => {
        const whole = Buffer.concat([before, hello, after]);
        const scan = new HelloScan(hello);
        let at = 0;
        for (const length of [...lengths, whole.length]) {
          const rest = scan.push(whole.subarray(at, at + length));
          at = Math.min(whole.length, at + length);
          if (rest) {
            expect(Buffer.concat([rest, whole.subarray(at)])).toEqual(Buffer.from(after));
            return;
          }
        }
        throw new Error('not found');
      }),
      { numRuns: 1000 },
    );
  });

  it('is not found in what is not it', () => {
    fc.assert(
      fc.property(garbage, (bytes) => {
        const scan = new HelloScan(hello);
        for (const byte of bytes) expect(scan.push(Buffer.of(byte))).toBeNull();
      }),
    );
  });
});
