import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { OpenStreams } from '../docker/open-streams.js';
import { Metrics } from '../http/metrics.js';
import { EngineJobStreams } from './engine-job-streams.js';
import { EngineWatchers } from './engine-watchers.js';
import { JobWriter } from './job-writer.js';
import { EngineJobKeeper } from './keeper.js';

/** Begins and ends with the process; the last jobs are written while the store is still open. */
@Injectable()
export class EngineJobsLifeline implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(EngineJobKeeper) private readonly keeper: EngineJobKeeper,
    @Inject(JobWriter) private readonly writer: JobWriter,
    @Inject(EngineWatchers) private readonly watchers: EngineWatchers,
    @Inject(EngineJobStreams) private readonly streams: EngineJobStreams,
    @Inject(OpenStreams) private readonly docker: OpenStreams,
    @Inject(Metrics) private readonly metrics: Metrics,
  ) {}

  onApplicationBootstrap(): void {
    const { metrics, writer, watchers } = this;
    metrics.gauge('bellows_engine_jobs_skipped', 'Engine jobs that were too many to be written.', async () =>
      Promise.resolve(writer.skipped),
    );
    metrics.gauge('bellows_engine_watches_open', 'Engines whose events are read.', async () =>
      Promise.resolve(watchers.size),
    );
    this.writer.onWritten((ids) => this.keeper.written(ids));
    this.keeper.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.streams.stop();
    this.docker.cutAll();
    this.watchers.stop();
    await this.keeper.stop();
  }
}
