import type { InstanceId } from '@bellows/domain/ids';
import type { EngineJobRecords } from '@bellows/operations/ports/engine-jobs';
import { StoreUnavailableError } from '@bellows/operations/ports/store-errors';
import type { LiveJob } from './live-job.js';

const writeEveryMs = 250;
/** Calls that are over sooner are written once. */
const runningAfterMs = 200;
const mostUnwritten = 5_000;
/** New jobs of one instance that are written: at once after a rest, and in the long run. */
const [burst, perSecond] = [200, 20];
const foldWithinMs = 10_000;
const mostRemembered = 10_000;

type Records = Pick<EngineJobRecords, 'recordEngineJobs' | 'beatRecorder'>;

type Written = (ids: ReadonlySet<InstanceId>) => void;

/** Writes what has changed of jobs, many at once; a database that is away or slow holds no docker command up. */
export class JobWriter {
  /** Jobs that were too many to be written. */
  skipped = 0;
  readonly #changed = new Set<LiveJob>();
  readonly #budgets = new Map<InstanceId, { left: number; at: number }>();
  /** The job that stands for calls alike. */
  readonly #folds = new Map<string, LiveJob>();
  #timer: NodeJS.Timeout | null = null;
  /** The end of what is being written: two writings of one job must not overtake each other. */
  #writing: Promise<void> = Promise.resolve();

  readonly #listeners: Written[];

  constructor(
    private readonly around: {
      readonly store: Records;
      readonly recorder: string;
      readonly now: () => number;
    },
    feed: { written: Written },
    private readonly trouble: (error: unknown) => void,
  ) {
    this.#listeners = [(ids) => feed.written(ids)];
  }

  /** Told of instances of which jobs have been written. */
  onWritten(listener: Written): void {
    this.#listeners.push(listener);
  }

  changed(job: LiveJob): void {
    if (this.#changed.size < mostUnwritten) this.#changed.add(job);
    else if (!this.#changed.has(job)) this.skipped += 1;
    this.#timer ??= setTimeout(() => void this.flush(), writeEveryMs).unref();
  }

  /** A job that has ended; one like another before it is told with that one. */
  ended(job: LiveJob): void {
    const key = job.written ? null : job.likeness;
    if (key === null) return this.changed(job);
    const before = this.#folds.get(key);
    if (before && before.begun.startedAt > this.around.now() - foldWithinMs) {
      before.join(job);
      this.#changed.delete(job);
      return this.changed(before);
    }
    if (this.#folds.size >= mostRemembered) this.#folds.clear();
    this.#folds.set(key, job);
    this.changed(job);
  }

  /** One after another; what cannot be written now is tried again. */
  flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const due = this.#due();
    if (due.length > 0) {
      const { store, recorder } = this.around;
      try {
        // So that no other process takes what runs for an orphan.
        if (due.some(({ endedAt }) => endedAt === null)) await store.beatRecorder(recorder);
        await store.recordEngineJobs(due.map((job) => job.record()));
        const ids = new Set(due.map(({ begun }) => begun.instanceId));
        for (const listener of this.#listeners) listener(ids);
      } catch (error) {
        this.trouble(error);
        this.#keep(due, error instanceof StoreUnavailableError);
      }
    }
    if (this.#changed.size > 0) this.#timer ??= setTimeout(() => void this.flush(), writeEveryMs).unref();
  }

  #due(): LiveJob[] {
    const young = this.around.now() - runningAfterMs;
    const due = [...this.#changed].filter((job) => job.endedAt !== null || job.begun.startedAt <= young);
    for (const job of due) this.#changed.delete(job);
    return due.filter((job) => {
      if (!job.written && !this.#allowed(job.begun.instanceId)) {
        this.skipped += 1;
        return false;
      }
      return (job.written = true);
    });
  }

  #allowed(id: InstanceId): boolean {
    const now = this.around.now();
    const budget = this.#budgets.get(id) ?? { left: burst, at: now };
    budget.left = Math.min(burst, budget.left + ((now - budget.at) * perSecond) / 1000);
    budget.at = now;
    if (this.#budgets.size >= mostRemembered) this.#budgets.clear();
    this.#budgets.set(id, budget);
    if (budget.left < 1) return false;
    budget.left -= 1;
    return true;
  }

  /** Tried again while the store is away; what it refuses would be refused for ever. */
  #keep(jobs: readonly LiveJob[], again: boolean): void {
    for (const job of jobs) {
      if (again && this.#changed.size < mostUnwritten) this.#changed.add(job);
      else this.skipped += 1;
    }
  }
}
