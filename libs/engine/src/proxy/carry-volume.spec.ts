import { request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { CarryBench } from './carry.fixture.js';

let bench: CarryBench;
beforeAll(async () => void (bench = await CarryBench.start()));
afterAll(() => bench.close());
beforeEach(() => {
  bench.engine.forget();
  bench.ended.length = 0;
});

const mib = 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 7);

/** Bytes of memory beyond what there was, at most, while something ran. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
  await work();
  clearInterval(timer);
  return peak - before;
}

/** Writes so many bytes as fast as they are taken. */
async function pour(into: NodeJS.WritableStream, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes; sent += piece.length) {
    if (!into.write(piece)) await new Promise((resolve) => into.once('drain', resolve));
  }
}

describe('volume', () => {
  it('of 400 MiB goes up in chunks, in memory that does not grow with it', async () => {
    let heard = 0;
    bench.engine.serve = (asked, answer) => {
      asked.on('data', (chunk: Buffer) => (heard += chunk.length)).on('end', () => answer.end(`${heard}`));
    };
    const grown = await peakOf(
      () =>
        new Promise((resolve, reject) => {
          const asked = request(`${bench.url}/images/load`, { method: 'POST' }, (answer) =>
            answer.resume().on('end', resolve),
          );
          asked.on('error', reject);
          pour(asked, 400 * mib).then(() => asked.end(), reject);
        }),
    );
    expect(heard).toBe(400 * mib);
    expect(grown).toBeLessThan(120 * mib);
  }, 60_000);

  it('of 400 MiB comes down, in memory that does not grow with it', async () => {
    bench.engine.serve = (_asked, answer) => void pour(answer, 400 * mib).then(() => answer.end());
    let heard = 0;
    const grown = await peakOf(
      () =>
        new Promise((resolve, reject) => {
          request(`${bench.url}/images/get`, (answer) => {
            answer
              .on('data', (chunk: Buffer) => (heard += chunk.length))
              .on('end', resolve)
              .on('error', reject);
          }).end();
        }),
    );
    expect(heard).toBe(400 * mib);
    expect(grown).toBeLessThan(120 * mib);
  }, 60_000);

  it('for a reader that does not read waits in the guest', async () => {
    let sent = 0;
    bench.engine.serve = (asked, answer) => {
      const more = (): void => {
        while (!asked.socket.destroyed && answer.write(piece)) sent += piece.length;
        answer.once('drain', more);
      };
      more();
    };
    const line = await bench.dial();
    line.socket.pause();
    line.socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
    const at = async () => (await new Promise((resolve) => setTimeout(resolve, 500)), sent);
    await at();
    const settled = await at();
    expect(await at()).toBe(settled);
    expect(settled).toBeLessThan(32 * mib);
    line.socket.destroy();
    expect((await bench.over(1)).how).toBe('gone');
  }, 15_000);

  it('of a writer whose engine does not read waits at the writer', async () => {
    bench.engine.serve = () => undefined;
    const line = await bench.dial();
    line.socket.write('POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    let taken = 0;
    const more = (): void => {
      while (!line.socket.destroyed && line.socket.write(piece)) taken += piece.length;
      line.socket.once('drain', more);
    };
    more();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(taken).toBeLessThan(32 * mib);
    for (const socket of bench.engine.sockets) socket.destroy();
    await line.until('engine-unreachable');
    line.socket.destroy();
    expect((await bench.over(1)).how).toBe('failed');
  }, 15_000);
});
