import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Settings } from '@bellows/config/settings';
import type { Cloud } from '@bellows/operations/cloud';
import { OperationRunner } from '@bellows/operations/saga/run';
import type { Logger } from 'pino';
import { askThrough } from './ask-engine.js';
import { GuestEvents } from './guest-events.js';
import { Metrics } from './metrics.js';
import { CLOUD, LOGGER, SETTINGS } from './provider-names.js';
import { RecurringTask, type RoundReport } from './recurring.js';
import { RingsProcessor } from './rings.processor.js';
import { roundsOf } from './rounds.js';

/** Steps end long before; what does not is left to the lease and to the next worker. */
const drainWithinMs = 20_000;

/** A worker's working day: begins when all is in place, ends with running steps finished or handed over. */
@Injectable()
export class Shift implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  draining = false;
  readonly #events: GuestEvents;
  readonly #tasks: RecurringTask[];

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(OperationRunner) private readonly runner: OperationRunner,
    @Inject(RingsProcessor) private readonly rings: RingsProcessor,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {
    this.#events = new GuestEvents(cloud, logger, (id) => this.runner.isAt(id));
    const follow = { name: 'follow-hosts', everyMs: 5_000, round: () => this.#events.follow() };
    const ask = settings.gateway && askThrough(settings.gateway);
    this.#tasks = [...roundsOf(cloud, logger, ask), follow].map(
      (task) => new RecurringTask(task, this.#report()),
    );
  }

  onApplicationBootstrap(): void {
    for (const task of this.#tasks) task.start();
    this.rings.begin(this.settings.worker.concurrency);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.draining = true;
    await this.rings.pause();
    const idle = Promise.all([this.runner.drain(), ...this.#tasks.map((task) => task.stop())]);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, drainWithinMs, 'late');
    });
    if ((await Promise.race([idle, late])) === 'late') {
      this.logger.warn(`work is left after ${drainWithinMs} ms; another worker takes it over`);
    }
    clearTimeout(timer);
    this.#events.close();
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.allSettled(Object.values(this.cloud.drivers).map((driver) => driver.close()));
    await this.cloud.queue.close();
    await this.cloud.store.close();
  }

  #report(): RoundReport {
    return {
      took: (task, ms) => this.metrics.rounds.labels(task).observe(ms / 1000),
      failed: (task, error) => {
        this.metrics.failures.labels(task).inc();
        this.logger.error({ task, err: error }, 'a round failed');
      },
    };
  }
}
