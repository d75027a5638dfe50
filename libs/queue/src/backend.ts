import {
  createPostgresBackend,
  createRedisBackend,
  setDefaultBackendFactory,
  withBackend,
  type QueueOptions,
  type WorkerOptions,
} from 'bullmq';
import { Redis } from 'ioredis';

/** Where rings travel: Redis when there is one, else the cloud's own Postgres. */
export interface QueueSettings {
  /** `redis://…`; null: BullMQ's Postgres backend. */
  readonly redisUrl: string | null;
  readonly databaseUrl: string;
  /** Keeps the rings of two clouds on one Redis apart. */
  readonly cloudId: string;
}

export type QueueBackendName = 'redis' | 'postgres';
export const backendOf = (settings: QueueSettings): QueueBackendName =>
  settings.redisUrl === null ? 'postgres' : 'redis';

/** All that a job carries. The operations themselves are read from the store by whoever answers. */
export interface Ring {
  readonly operationIds: readonly string[];
}

/** What was accepted together travels together: a queue's own cost a job is more than that of a small operation. */
export const mostPerRing = 32;

export const ringQueue = 'operations';

/** A dead worker's rings are dropped, not repeated: the sweeper rings for what is overdue, so no job may retry. */
export const ringWorkerOptions = {
  lockDuration: 60_000,
  stalledInterval: 30_000,
  maxStalledCount: 0,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
} satisfies Omit<WorkerOptions, 'connection'>;

const retryStrategy = (attempt: number) => Math.min(100 * attempt, 2000);

/** Braces: one hash slot, as a Redis cluster wants it. */
const prefixOf = (settings: QueueSettings) => `{bellows:${settings.cloudId}}`;

const postgresConnection = (settings: QueueSettings, max: number) => ({
  connectionString: settings.databaseUrl,
  migrate: true,
  max,
  connectionTimeoutMillis: 10_000,
  // A ring may be lost: it does not wait for the disk.
  options: '-c synchronous_commit=off',
});

type Connection = Pick<QueueOptions, 'connection' | 'prefix'>;

/** Options of a BullMQ `Worker` for the backend the settings choose: it waits for as long as Redis is away. */
export const answeringSide = (settings: QueueSettings): Connection =>
  settings.redisUrl === null
    ? { connection: postgresConnection(settings, 8) }
    : {
        connection: { url: settings.redisUrl, maxRetriesPerRequest: null, retryStrategy },
        prefix: prefixOf(settings),
      };

/** Options of a BullMQ `Queue`: a request must not wait for Redis to come back. `hangUp` ends a client of ours. */
export function ringingSide(settings: QueueSettings): { options: Connection; hangUp: () => void } {
  if (settings.redisUrl === null) {
    return { options: { connection: postgresConnection(settings, 2) }, hangUp: () => undefined };
  }
  const client = new Redis(settings.redisUrl, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    retryStrategy,
  });
  // BullMQ ends no client that was handed to it, and waits for ever for one that never connected.
  return {
    options: { connection: client, prefix: prefixOf(settings) },
    hangUp: () => client.disconnect(),
  };
}

/** For code that constructs BullMQ's classes itself, such as `@nestjs/bullmq`: sets the backend of the process. */
export function chooseBackend(settings: QueueSettings): void {
  if (settings.redisUrl === null) setDefaultBackendFactory(createPostgresBackend);
  else setDefaultBackendFactory();
}

const redis = withBackend(createRedisBackend);
const postgres = withBackend(createPostgresBackend);

/** BullMQ's classes bound to the backend, whatever the default of the process is. */
export const classesOf = (settings: QueueSettings) =>
  (settings.redisUrl === null ? postgres : redis) as typeof redis;
