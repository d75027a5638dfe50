import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BreachError, encodeFrame, FrameDecoder, FrameType, type Frame } from './frame.js';

const bytes = (least: number, most: number) =>
  fc.uint8Array({ minLength: least, maxLength: most }).map((array) => Buffer.from(array));
const onStream = fc.integer({ min: 1, max: 0xffff_ffff });
const frames = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant(FrameType.DATA), stream: onStream, payload: bytes(1, 300) }),
    fc.record({
      type: fc.constant(FrameType.DATA),
      stream: onStream,
      payload: fc.integer({ min: 60_000, max: 65_535 }).map((length) => Buffer.alloc(length, length)),
    }),
    fc.record({ type: fc.constant(FrameType.CREDIT), stream: onStream, payload: bytes(4, 4) }),
    fc.record({
      type: fc.constantFrom(FrameType.EOF, FrameType.RESET),
      stream: onStream,
      payload: fc.constant(Buffer.alloc(0)),
    }),
    fc.record({ type: fc.constant(FrameType.PONG), stream: fc.constant(0), payload: bytes(8, 8) }),
  ),
  { maxLength: 12 },
);

/** Everything that can be read of what was pushed. */
const drain = (decoder: FrameDecoder): Frame[] => {
  const all: Frame[] = [];
  for (let frame = decoder.next(); frame; frame = decoder.next()) {
    all.push({ ...frame, payload: Buffer.from(frame.payload) });
  }
  return all;
};

describe('frames', () => {
  it('are the same however the bytes were cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 70_000 })), (sent, cuts) => {
        const whole = Buffer.concat(
          sent.map(({ type, stream, payload }) => encodeFrame(type, stream, payload)),
        );
        const decoder = new FrameDecoder();
        const got: Frame[] = [];
        let at = 0;
        for (const cut of [...cuts, whole.length]) {
          decoder.push(whole.subarray(at, at + cut));
          got.push(...drain(decoder));
          at = Math.min(whole.length, at + cut);
        }
        // Jest would compare millions of bytes one by one.
        const same = got.map(({ type, stream, payload }, i) => {
          const { type: wanted, stream: on, payload: bytes } = sent[i]!;
          return type === wanted && stream === on && payload.equals(bytes);
        });
        expect(same).toEqual(sent.map(() => true));
      }),
      { numRuns: 300 },
    );
  });

  it('are the same a byte at a time', () => {
    fc.assert(
      fc.property(fc.array(bytes(1, 40), { maxLength: 5 }), (payloads) => {
        const decoder = new FrameDecoder();
        const got: Buffer[] = [];
        for (const payload of payloads) {
          for (const byte of encodeFrame(FrameType.DATA, 7, payload)) {
            decoder.push(Buffer.of(byte));
            got.push(...drain(decoder).map((frame) => frame.payload));
          }
        }
        expect(got).toEqual(payloads);
      }),
    );
  });

  it('of garbage are a breach, or wait for what was claimed; nothing else is thrown and nothing is made up', () => {
    fc.assert(
      fc.property(fc.array(bytes(0, 200), { maxLength: 20 }), (chunks) => {
        const decoder = new FrameDecoder();
        let given = 0;
        let got = 0;
        try {
          for (const chunk of chunks) {
            given += chunk.length;
            decoder.push(chunk);
            for (const { payload } of drain(decoder)) got += payload.length;
          }
        } catch (error) {
          expect(error).toBeInstanceOf(BreachError);
        }
        expect(got).toBeLessThanOrEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  const header = (type: number, zero: number, length: number, stream: number): Buffer => {
    const buffer = Buffer.alloc(8);
    buffer.writeUInt8(type, 0);
    buffer.writeUInt8(zero, 1);
    buffer.writeUInt16BE(length, 2);
    buffer.writeUInt32BE(stream, 4);
    return buffer;
  };
  it.each([
    ['no such type', header(9, 0, 0, 1)],
    ['a second byte that is not 0', header(FrameType.DATA, 1, 1, 1)],
    ['data of no length', header(FrameType.DATA, 0, 0, 1)],
    ['data on the link itself', header(FrameType.DATA, 0, 1, 0)],
    ['an end with a payload', header(FrameType.EOF, 0, 1, 1)],
    ['credit that is no u32', header(FrameType.CREDIT, 0, 8, 1)],
    ['a PONG on a stream', header(FrameType.PONG, 0, 8, 1)],
    ['a HELLO of another length', header(FrameType.HELLO, 0, 33, 0)],
  ])('with %s are refused at the header', (_, bad) => {
    const decoder = new FrameDecoder();
    decoder.push(bad);
    expect(() => decoder.next()).toThrow(BreachError);
  });

  it('that only claim their length cost no more than one frame', () => {
    const before = process.memoryUsage().arrayBuffers;
    const waiting = Array.from({ length: 100 }, () => {
      const decoder = new FrameDecoder();
      decoder.push(header(FrameType.DATA, 0, 65_535, 0xffff_ffff));
      expect(decoder.next()).toBeNull();
      return decoder;
    });
    const each = (process.memoryUsage().arrayBuffers - before) / waiting.length;
    expect(each).toBeLessThan(70_000);
  });
});
