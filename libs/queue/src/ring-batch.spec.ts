import { describe, expect, it } from '@jest/globals';
import { RingBatch, RingLostError, type PendingRing } from './ring-batch.js';

const ring = (operationId: string): PendingRing => ({ operationId, delayMs: 0 });
const limits = { batch: 3, waiting: 10, deadlineMs: 100 };

describe('RingBatch', () => {
  it('sends together what arrives while a call is under way', async () => {
    const calls: string[][] = [];
    const batch = new RingBatch(async (rings) => {
      calls.push(rings.map(({ operationId }) => operationId));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }, limits);
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => batch.add([ring(id)])));
    expect(calls).toEqual([['a'], ['b', 'c', 'd'], ['e']]);
  });

  it('cuts a group that is larger than a batch', async () => {
    const calls: number[] = [];
    const batch = new RingBatch(async (rings) => void calls.push(rings.length), limits);
    await batch.add(Array.from({ length: 7 }, (_, number) => ring(`${number}`)));
    expect(calls).toEqual([3, 3, 1]);
  });

  it('gives up on a backend that hangs, and works again when it answers', async () => {
    let hang = true;
    const batch = new RingBatch(() => (hang ? new Promise(() => undefined) : Promise.resolve()), limits);
    await expect(batch.add([ring('a')])).rejects.toBeInstanceOf(RingLostError);
    hang = false;
    await expect(batch.add([ring('b')])).resolves.toBeUndefined();
  });

  it('loses rings rather than keep more than it may', async () => {
    const batch = new RingBatch(() => new Promise(() => undefined), limits);
    const first = batch.add([ring('a')]);
    const held = batch.add(Array.from({ length: 10 }, () => ring('b')));
    await expect(batch.add([ring('c')])).rejects.toThrow('10 rings wait already');
    await expect(Promise.all([first, held])).rejects.toBeInstanceOf(RingLostError);
    await expect(held).rejects.toBeInstanceOf(RingLostError);
  });
});
