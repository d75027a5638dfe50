import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { OperationId } from '@bellows/domain/ids';
import type { Worker } from 'bullmq';
import {
  answeringSide,
  classesOf,
  mostPerRing,
  ringQueue,
  ringWorkerOptions,
  type QueueSettings,
  type Ring,
} from './backend.js';
import { BullOperationQueue } from './operation-queue.js';

const operation = (number: number) => `op-${String(number).padStart(20, '0')}` as OperationId;

async function until(holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`did not come true within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What every backend of the doorbell must do; `settings` gives a queue that nobody else uses. */
export function queueContract(settings: () => Promise<QueueSettings>): void {
  let shared: QueueSettings;
  let queue: BullOperationQueue;
  let troubles: unknown[];
  let workers: Worker<Ring>[];

  const answer = (heard: string[], work: () => Promise<void> = async () => undefined, more = {}) => {
    const { Worker: BoundWorker } = classesOf(shared);
    const worker: Worker<Ring> = new BoundWorker<Ring>(
      ringQueue,
      async (job) => {
        heard.push(...job.data.operationIds);
        await work();
      },
      { ...answeringSide(shared), ...ringWorkerOptions, concurrency: 8, ...more },
    );
    worker.on('error', () => undefined);
    workers.push(worker);
    return worker;
  };

  beforeEach(async () => {
    shared = await settings();
    troubles = [];
    workers = [];
    queue = new BullOperationQueue(shared, (_, error) => troubles.push(error));
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close(true)));
    await queue.close();
  });

  describe('a ring', () => {
    it('reaches a worker, with the operation id and nothing else', async () => {
      const heard: string[] = [];
      answer(heard);
      await queue.ring([operation(1)]);
      await until(() => heard.length === 1);
      expect(heard).toEqual([operation(1)]);
    });

    it('waits for a worker that comes later', async () => {
      await queue.ring([operation(1), operation(2)]);
      await queue.ring([operation(3)]);
      expect(await queue.depth()).toBe(2);
      const heard: string[] = [];
      answer(heard);
      await until(() => heard.length === 3);
      await until(async () => (await queue.depth()) === 0);
    });

    it('is heard again for the same operation, also after the first was answered', async () => {
      const heard: string[] = [];
      answer(heard);
      for (let times = 1; times <= 3; times++) {
        await queue.ring([operation(7)]);
        await until(() => heard.length === times);
      }
      expect(heard).toEqual([operation(7), operation(7), operation(7)]);
    });

    it('comes no earlier than its delay', async () => {
      const heard: string[] = [];
      answer(heard);
      await queue.ring([operation(1)], 600);
      const rung = Date.now();
      expect(await queue.depth()).toBe(1);
      await until(() => heard.length === 1);
      expect(Date.now() - rung).toBeGreaterThan(500);
    });

    it('is not repeated when its operation throws', async () => {
      const heard: string[] = [];
      answer(heard, () => Promise.reject(new Error('broken promise')));
      await queue.ring([operation(1)]);
      await until(() => heard.length === 1);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(heard).toHaveLength(1);
      expect(await queue.depth()).toBe(0);
    });
  });

  it('takes many rings at once, and each is heard once', async () => {
    const heard: string[] = [];
    answer(heard);
    const all = Array.from({ length: 1200 }, (_, number) => operation(number));
    await Promise.all([queue.ring(all.slice(0, 1000)), ...all.slice(1000).map((id) => queue.ring([id]))]);
    await until(() => heard.length >= all.length, 30_000);
    expect([...heard].sort()).toEqual(all);
    expect(troubles).toEqual([]);
  });

  it('shares the rings among workers', async () => {
    const heard: [string[], string[]] = [[], []];
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
    answer(heard[0], slow, { concurrency: 1 });
    answer(heard[1], slow, { concurrency: 1 });
    await queue.ring(Array.from({ length: 40 * mostPerRing }, (_, number) => operation(number)));
    await until(() => heard[0].length + heard[1].length === 40 * mostPerRing);
    expect(new Set([...heard[0], ...heard[1]]).size).toBe(40 * mostPerRing);
    expect(Math.min(heard[0].length, heard[1].length)).toBeGreaterThan(0);
  });

  it('drops the ring of a worker that died, for the sweeper to repeat', async () => {
    const heard: string[] = [];
    const hung = answer(heard, () => new Promise(() => undefined), {
      lockDuration: 500,
      stalledInterval: 500,
      skipLockRenewal: true,
      skipStalledCheck: true,
    });
    await queue.ring([operation(1)]);
    await until(() => heard.length === 1);
    await hung.close(true);
    const dropped: string[] = [];
    const again: string[] = [];
    const next = answer(again, undefined, { stalledInterval: 300 });
    next.on('failed', (job) => dropped.push(...(job?.data.operationIds ?? ['?'])));
    await until(async () => (await next.getBackend().getCounts(['active']))[0] === 0);
    expect(again).toEqual([]);
    await queue.ring([operation(1)]);
    await until(() => again.length === 1);
  });

  it('ignores rings after it was closed', async () => {
    await queue.close();
    await queue.ring([operation(1)]);
    expect(await queue.depth()).toBeNull();
    expect(troubles).toEqual([]);
  });
}
