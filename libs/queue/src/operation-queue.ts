import type { OperationId } from '@bellows/domain/ids';
import type { OperationQueue } from '@bellows/operations/ports/queue';
import type { Queue } from 'bullmq';
import { classesOf, mostPerRing, ringQueue, ringingSide, type QueueSettings, type Ring } from './backend.js';
import { RingBatch, within, type PendingRing } from './ring-batch.js';

/** Told of lost rings and of lost connections; the sweeper makes both good. */
export type QueueTrouble = (message: string, error: unknown) => void;

/** BullMQ's Postgres backend makes two temporary tables for a bulk: dearer than a few jobs one by one. */
const fewJobs = 4;
const limits = { batch: 500, waiting: 20_000, deadlineMs: 2000 };

/**
 * The doorbell over BullMQ. Nothing here throws at a caller: a request that has been committed must be answered
 * although Redis is gone, so a ring that fails is reported to `trouble` and left to the sweeper.
 */
export class BullOperationQueue implements OperationQueue {
  #queue: Queue<Ring> | null = null;
  #hangUp: () => void = () => undefined;
  #everReady = false;
  #closed = false;
  #troubled = false;
  readonly #batch: RingBatch;

  constructor(
    private readonly settings: QueueSettings,
    private readonly trouble: QueueTrouble,
  ) {
    this.#batch = new RingBatch((rings) => this.#send(rings), limits);
  }

  async ring(operations: readonly OperationId[], delayMs = 0): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#batch.add(operations.map((operationId) => ({ operationId, delayMs })));
      this.#troubled = false;
    } catch (error) {
      // Once an outage, not once a ring.
      if (!this.#troubled)
        this.trouble('The queue takes no rings now; the sweeper will ring instead.', error);
      this.#troubled = true;
    }
  }

  async depth(): Promise<number | null> {
    try {
      const counts = await within(
        limits.deadlineMs,
        this.#open().getJobCounts('waiting', 'prioritized', 'delayed'),
      );
      return Object.values(counts).reduce((sum, count) => sum + count, 0);
    } catch {
      return null;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const queue = this.#queue;
    this.#queue = null;
    if (!queue) return;
    if (this.#everReady) await within(limits.deadlineMs, queue.close()).catch(() => undefined);
    else queue.close().catch(() => undefined);
    this.#hangUp();
  }

  async #send(rings: readonly PendingRing[]): Promise<void> {
    const queue = this.#open();
    try {
      await queue.waitUntilReady();
      this.#everReady = true;
      // No job id of our own: BullMQ ignores an add whose id still exists.
      const jobs = groupsOf(rings).map(({ operationIds, delayMs }) => ({
        name: 'ring',
        data: { operationIds },
        opts: { removeOnComplete: true, removeOnFail: true, ...(delayMs > 0 && { delay: delayMs }) },
      }));
      if (jobs.length > fewJobs) await queue.addBulk(jobs);
      else await Promise.all(jobs.map(({ name, data, opts }) => queue.add(name, data, opts)));
    } catch (error) {
      // A backend whose first connection failed remembers that failure for ever.
      if (!this.#everReady) this.#forget(queue);
      throw error;
    }
  }

  #open(): Queue<Ring> {
    if (this.#closed) throw new Error('the queue is closed');
    if (this.#queue) return this.#queue;
    const { Queue: BoundQueue } = classesOf(this.settings);
    const { options, hangUp } = ringingSide(this.settings);
    const queue: Queue<Ring> = new BoundQueue<Ring>(ringQueue, options);
    this.#hangUp = hangUp;
    queue.on('error', () => undefined); // each failing ring reports itself
    this.#queue = queue;
    return queue;
  }

  #forget(queue: Queue<Ring>): void {
    if (this.#queue !== queue) return;
    this.#queue = null;
    queue.close().catch(() => undefined);
    this.#hangUp();
  }
}

/** At most `mostPerRing` to a group, all with the same delay. */
function groupsOf(rings: readonly PendingRing[]): { operationIds: string[]; delayMs: number }[] {
  const groups: { operationIds: string[]; delayMs: number }[] = [];
  const open = new Map<number, string[]>();
  for (const { operationId, delayMs } of rings) {
    let group = open.get(delayMs);
    if (!group || group.length >= mostPerRing) {
      group = [];
      open.set(delayMs, group);
      groups.push({ operationIds: group, delayMs });
    }
    group.push(operationId);
  }
  return groups;
}
