import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { XdrError } from '../xdr/reader.js';
import { FrameCutter } from './framing.js';
import { encodeRawMessage, parseMessage } from './message.js';

const message = fc.record({
  header: fc.record({
    program: fc.nat({ max: 0xffff_ffff }),
    version: fc.nat({ max: 0xffff_ffff }),
    procedure: fc.integer(),
    type: fc.nat({ max: 6 }),
    serial: fc.nat({ max: 0xffff_ffff }),
    status: fc.nat({ max: 2 }),
  }),
  body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

const cutAt = (bytes: Buffer, sizes: number[]): Buffer[] => {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
};

describe('framing', () => {
  it('gives back every message, however the bytes were chunked', () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }),
        (messages, sizes) => {
          const bytes = Buffer.concat(messages.map(({ header, body }) => encodeRawMessage(header, body)));
          const cutter = new FrameCutter();
          const read = cutAt(bytes, sizes).flatMap((chunk) => [...cutter.cut(chunk)].map(parseMessage));
          expect(read.map(({ header, body }) => ({ header, body: Buffer.from(body) }))).toEqual(messages);
        },
      ),
    );
  });

  it.each([0, 3, 27, 33_554_437, 0xffff_ffff])('refuses a length of %d as soon as it is read', (length) => {
    const word = Buffer.alloc(4);
    word.writeUInt32BE(length);
    expect(() => [...new FrameCutter().cut(word)]).toThrow(XdrError);
    const drip = new FrameCutter();
    expect(() => [...word].forEach((byte) => [...drip.cut(Buffer.of(byte))])).toThrow(XdrError);
  });

  it('does not allocate what a length merely claims', () => {
    const claim = Buffer.alloc(28);
    claim.writeUInt32BE(33_554_432);
    const before = process.memoryUsage().arrayBuffers;
    const cutters = Array.from({ length: 200 }, () => {
      const cutter = new FrameCutter();
      expect([...cutter.cut(claim)]).toEqual([]);
      return cutter;
    });
    expect(cutters).toHaveLength(200);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16_000_000);
  });
});
