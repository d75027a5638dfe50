import { Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject } from '@nestjs/common';
import { ringQueue, ringWorkerOptions, type Ring } from '@bellows/queue/backend';
import type { OperationId } from '@bellows/domain/ids';
import { looksLikeId } from '@bellows/domain/ids';
import { OperationRunner } from '@bellows/operations/saga/run';
import type { Job } from 'bullmq';
import type { Logger } from 'pino';
import { Metrics } from './metrics.js';
import { LOGGER } from './provider-names.js';

const quietMs = 15_000;

/** Rings heard at once; each only has to find room for its operations. */
const hearing = 4;

/**
 * Answers rings: a ring is answered as soon as its operations are under way. Whatever happens to one of them, it is
 * never repeated: the sweeper rings for what is left undone.
 */
@Processor(ringQueue, { ...ringWorkerOptions, autorun: false })
export class RingsProcessor extends WorkerHost {
  private lastTrouble = 0;
  private mostAtOnce = 1;
  private readonly underWay = new Set<Promise<void>>();

  constructor(
    @Inject(OperationRunner) private readonly runner: OperationRunner,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    super();
  }

  async process(job: Job<Ring>): Promise<void> {
    for (const id of job.data.operationIds) {
      if (!looksLikeId('operation', id)) continue;
      while (this.underWay.size >= this.mostAtOnce) await Promise.race(this.underWay);
      const work = this.run(id as OperationId).finally(() => this.underWay.delete(work));
      this.underWay.add(work);
    }
  }

  /** Starts answering; with at most so many operations at once. */
  begin(mostAtOnce: number): void {
    this.mostAtOnce = mostAtOnce;
    this.worker.concurrency = hearing;
    this.worker.on('error', (error) => this.trouble(error));
    this.worker.run().catch((error: unknown) => this.logger.error({ err: error }, 'the queue has ended'));
  }

  /** Takes no further ring; those under way go on. */
  pause(): Promise<void> {
    return this.worker.pause(true);
  }

  private async run(operationId: OperationId): Promise<void> {
    this.metrics.running.inc();
    try {
      this.metrics.rings.labels(await this.runner.run(operationId)).inc();
    } catch (error) {
      this.metrics.rings.labels('error').inc();
      this.logger.error({ operationId, err: error }, 'an operation could not be run');
    } finally {
      this.metrics.running.dec();
    }
  }

  /** A queue that is away reports itself with every attempt to reach it. */
  private trouble(error: Error): void {
    const now = Date.now();
    const level = now - this.lastTrouble > quietMs ? 'warn' : 'debug';
    if (level === 'warn') this.lastTrouble = now;
    this.logger[level]({ err: error }, 'the queue is in trouble');
  }
}
