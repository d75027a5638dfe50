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

/** Answers rings. Whatever happens to one, it is never repeated: the sweeper rings for what is left undone. */
@Processor(ringQueue, { ...ringWorkerOptions, autorun: false })
export class RingsProcessor extends WorkerHost {
  private lastTrouble = 0;

  constructor(
    @Inject(OperationRunner) private readonly runner: OperationRunner,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    super();
  }

  async process(job: Job<Ring>): Promise<void> {
    const { operationId } = job.data;
    if (!looksLikeId('operation', operationId)) return;
    this.metrics.running.inc();
    try {
      this.metrics.rings.labels(await this.runner.run(operationId as OperationId)).inc();
    } catch (error) {
      this.metrics.rings.labels('error').inc();
      this.logger.error({ operationId, err: error }, 'an operation could not be run');
    } finally {
      this.metrics.running.dec();
    }
  }

  /** Starts answering. */
  begin(concurrency: number): void {
    this.worker.concurrency = concurrency;
    this.worker.on('error', (error) => this.trouble(error));
    this.worker.run().catch((error: unknown) => this.logger.error({ err: error }, 'the queue has ended'));
  }

  /** Takes no further ring; those under way go on. */
  pause(): Promise<void> {
    return this.worker.pause(true);
  }

  /** A queue that is away reports itself with every attempt to reach it. */
  private trouble(error: Error): void {
    const now = Date.now();
    const level = now - this.lastTrouble > quietMs ? 'warn' : 'debug';
    if (level === 'warn') this.lastTrouble = now;
    this.logger[level]({ err: error }, 'the queue is in trouble');
  }
}
