import type { InstanceId } from '@bellows/domain/ids';
import type { EngineJobRecords } from '@bellows/operations/ports/engine-jobs';
import type { JobWriter } from './job-writer.js';
import type { EngineJobs } from './recorder.js';

export const jobsKept = 500;
export const keptForMs = 7 * 24 * 60 * 60_000;
const everyMs = 5_000;
/** Three missed beats, and a database that was busy for a while. */
export const silentMs = 30_000;
const atOnce = 500;
const pruneEvery = 720;

type Records = Pick<
  EngineJobRecords,
  'beatRecorder' | 'cutOrphanedJobs' | 'trimEngineJobs' | 'pruneEngineJobs'
>;

/** Keeps what is remembered of engine jobs within its bounds, and ends the jobs of processes that died. */
export class EngineJobKeeper {
  readonly #touched = new Set<InstanceId>();
  #timer: NodeJS.Timeout | null = null;
  #rounds = 0;

  constructor(
    private readonly store: Records,
    private readonly jobs: EngineJobs,
    private readonly writer: JobWriter,
    private readonly around: {
      readonly recorder: string;
      readonly now: () => number;
      readonly trouble: (error: unknown) => void;
    },
  ) {}

  start(): void {
    this.#timer = setTimeout(() => void this.#again(), everyMs).unref();
  }

  /** Jobs of these have been written. */
  written(ids: ReadonlySet<InstanceId>): void {
    for (const id of ids) this.#touched.add(id);
  }

  /** Streams have been cut: waits for their ends, and writes them. */
  async stop(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    for (let tries = 0; tries < 40 && this.jobs.running > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await this.writer.flush();
  }

  /** One round. */
  async keep(): Promise<void> {
    const { store } = this;
    const { recorder, now } = this.around;
    this.jobs.tidy();
    if (this.jobs.running > 0) await store.beatRecorder(recorder);
    const ids = [...this.#touched].slice(0, atOnce);
    if (ids.length > 0) {
      await store.trimEngineJobs(ids, { jobs: jobsKept, startedAfter: now() - keptForMs });
      for (const id of ids) this.#touched.delete(id);
    }
    await store.cutOrphanedJobs(silentMs, atOnce);
    if (this.#rounds++ % pruneEvery === 0) await store.pruneEngineJobs(now() - keptForMs, 10 * atOnce);
  }

  async #again(): Promise<void> {
    try {
      await this.keep();
    } catch (error) {
      this.around.trouble(error);
    }
    this.start();
  }
}
