import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Pace, pump } from './pace.js';

const kib = 1024;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Pours into a pumped pipe for a while; the bytes that came out. */
function flood(pace: Pace | undefined): { came: () => number; stop: () => void } {
  const source = new PassThrough();
  let came = 0;
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      came += chunk.length;
      setImmediate(done);
    },
  });
  pump(source, sink, pace);
  const piece = Buffer.alloc(64 * kib);
  let on = true;
  const more = (): void => {
    if (!on) return;
    if (source.write(piece)) setImmediate(more);
    else source.once('drain', more);
  };
  more();
  return { came: () => came, stop: () => ((on = false), source.end()) };
}

describe('a pace', () => {
  it('is kept by all streams together, and each has its turn', async () => {
    const pace = new Pace(1024 * kib * 0.02, 256 * kib);
    const streams = Array.from({ length: 4 }, () => flood(pace));
    await sleep(1_000);
    const came = streams.map((stream) => stream.came());
    for (const stream of streams) stream.stop();
    const all = came.reduce((sum, bytes) => sum + bytes, 0);
    expect(all).toBeLessThan(26 * 1024 * kib);
    expect(all).toBeGreaterThan(4 * 1024 * kib);
    expect(Math.min(...came)).toBeGreaterThan(Math.max(...came) / 3);
  });

  it('ends a stream when its source ends, with every byte', async () => {
    const source = new PassThrough();
    const sink = new PassThrough({ highWaterMark: 1 });
    pump(source, sink, new Pace(100, kib));
    for (let at = 0; at < 50; at++) source.write(Buffer.alloc(kib, at));
    source.end();
    const parts: Buffer[] = [];
    for await (const part of sink) parts.push(part as Buffer);
    expect(Buffer.concat(parts)).toEqual(
      Buffer.concat(Array.from({ length: 50 }, (_, at) => Buffer.alloc(kib, at))),
    );
  });
});
