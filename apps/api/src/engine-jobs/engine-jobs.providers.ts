import { randomBytes } from 'node:crypto';
import type { Provider } from '@nestjs/common';
import type { Logger } from 'pino';
import type { InstanceId } from '@bellows/domain/ids';
import type { Cloud } from '@bellows/operations/cloud';
import type { ApiSettings } from '../api-settings.js';
import { OpenStreams, reachable } from '../docker/open-streams.js';
import { CLOUD, LOGGER, SETTINGS } from '../provider-names.js';
import { EngineJobStreams } from './engine-job-streams.js';
import { EngineWatchers } from './engine-watchers.js';
import { EngineJobFeed } from './feed.js';
import { JobWriter } from './job-writer.js';
import { EngineJobKeeper } from './keeper.js';
import { EngineJobsLifeline } from './lifeline.js';
import { readEventsBy } from './read-events.js';
import { EngineJobs } from './recorder.js';

const RECORDER = Symbol('EngineJobRecorder');

const hostOf =
  ({ store }: Cloud) =>
  async (id: InstanceId) => {
    const instance = await store.instance(id);
    return instance && reachable.includes(instance.state) ? store.host(instance.hostId) : null;
  };

const saying = (logger: Logger, message: string) => (error: unknown) => logger.warn({ err: error }, message);

/** How the calls of container engines are seen, kept and told. */
export const engineJobsProviders: Provider[] = [
  { provide: RECORDER, useFactory: () => `rec-${randomBytes(10).toString('hex')}` },
  {
    provide: EngineWatchers,
    inject: [CLOUD, SETTINGS],
    useFactory: (cloud: Cloud, { gateway, engineEvents }: ApiSettings) =>
      new EngineWatchers(
        hostOf(cloud),
        gateway && engineEvents ? readEventsBy(gateway) : null,
        cloud.clock.now,
      ),
  },
  {
    provide: EngineJobFeed,
    inject: [CLOUD, LOGGER],
    useFactory: ({ store }: Cloud, logger: Logger) =>
      new EngineJobFeed(store, saying(logger, 'changes of engine jobs were not read')),
  },
  {
    provide: JobWriter,
    inject: [CLOUD, RECORDER, EngineJobFeed, LOGGER],
    useFactory: ({ store, clock }: Cloud, recorder: string, feed: EngineJobFeed, logger: Logger) =>
      new JobWriter(
        { store, recorder, now: clock.now },
        feed,
        saying(logger, 'engine jobs were not written'),
      ),
  },
  {
    provide: EngineJobs,
    inject: [CLOUD, JobWriter, EngineWatchers, RECORDER],
    useFactory: ({ newId, clock }: Cloud, writer: JobWriter, watchers: EngineWatchers, recorder: string) =>
      new EngineJobs(writer, watchers, newId, recorder, clock.now),
  },
  {
    provide: EngineJobKeeper,
    inject: [CLOUD, EngineJobs, JobWriter, RECORDER, LOGGER],
    useFactory: (
      { store, clock }: Cloud,
      jobs: EngineJobs,
      writer: JobWriter,
      recorder: string,
      logger: Logger,
    ) => {
      const trouble = saying(logger, 'engine jobs were not kept in bounds');
      return new EngineJobKeeper(store, jobs, writer, { recorder, now: clock.now, trouble });
    },
  },
  {
    provide: EngineJobStreams,
    inject: [CLOUD, EngineJobFeed, EngineWatchers, OpenStreams, LOGGER],
    useFactory: (
      { store }: Cloud,
      feed: EngineJobFeed,
      watchers: EngineWatchers,
      tokens: OpenStreams,
      logger: Logger,
    ) => new EngineJobStreams(store, feed, watchers, tokens, saying(logger, 'a stream of engine jobs ended')),
  },
  EngineJobsLifeline,
];
