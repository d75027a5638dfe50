import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ensureAdminToken } from '@bellows/config/home';
import {
  ensureAdminToken as storeAdminToken,
  ensureFirstCatalogue,
} from '@bellows/operations/catalogue/seed';
import type { Cloud } from '@bellows/operations/cloud';
import { Admission } from '@bellows/operations/instance/create';
import { OperationEnds } from '@bellows/operations/views/wait';
import type { ApiSettings } from './api-settings.js';
import { OpenStreams } from './docker/open-streams.js';
import { Metrics } from './http/metrics.js';
import { CLOUD, SETTINGS } from './provider-names.js';

/** What must be there before the first request, and be closed after the last. */
@Injectable()
export class Lifeline implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    @Inject(SETTINGS) private readonly settings: ApiSettings,
    @Inject(CLOUD) private readonly cloud: Cloud,
    @Inject(Admission) private readonly admission: Admission,
    @Inject(OperationEnds) private readonly ends: OperationEnds,
    @Inject(Metrics) private readonly metrics: Metrics,
    @Inject(OpenStreams) private readonly streams: OpenStreams,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    await ensureFirstCatalogue(this.cloud);
    await storeAdminToken(this.cloud, await ensureAdminToken(this.settings));
    await this.admission.start();
    const { queue } = this.cloud;
    this.metrics.gauge('bellows_queue_depth', 'Rings that wait for a worker.', () => queue.depth());
    const open = () => Promise.resolve(this.streams.size);
    this.metrics.gauge('bellows_docker_streams_open', 'Docker requests under way, streams included.', open);
  }

  /** Requests that wait for an operation would hold the shutdown up for a minute, docker streams for ever. */
  beforeApplicationShutdown(): void {
    this.ends.stop();
    this.streams.cutAll();
  }

  /** Requests have been answered by now. */
  async onApplicationShutdown(): Promise<void> {
    this.admission.stop();
    await Promise.allSettled(Object.values(this.cloud.drivers).map((driver) => driver.close()));
    await this.cloud.queue.close();
    await this.cloud.store.close();
  }
}
