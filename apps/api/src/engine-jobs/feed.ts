import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceId } from '@bellows/domain/ids';
import type {
  EngineJobChange,
  EngineJobMarks,
  EngineJobRecords,
} from '@bellows/operations/ports/engine-jobs';

const lookEveryMs = 300;
export const changesAtOnce = 100;

export interface Changes {
  readonly changes: readonly EngineJobChange[];
  /** Who has seen less may have missed something that is gone. */
  readonly trimmedSeq: number;
}

interface Follower {
  readonly instanceId: InstanceId;
  after: number;
  wake: () => void;
}

type Records = Pick<EngineJobRecords, 'engineJobChanges' | 'engineJobMarks'>;

/**
 * What changes of engine jobs, for those who follow them in this process. Numbers are looked at, not messages waited
 * for: which process has written, and whether this one was listening at that moment, makes no difference.
 */
export class EngineJobFeed {
  readonly #followers = new Set<Follower>();
  /** What is being read, so that many who follow one instance read once. */
  readonly #reads = new Map<string, Promise<Changes>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly store: Records,
    private readonly trouble: (error: unknown) => void,
  ) {}

  get size(): number {
    return this.#followers.size;
  }

  /** This process has written jobs of these instances. */
  written(ids: ReadonlySet<InstanceId>): void {
    for (const follower of this.#followers) if (ids.has(follower.instanceId)) follower.wake();
  }

  /** The next changes after that number; none when there are none yet. */
  read(instanceId: InstanceId, after: number): Promise<Changes> {
    const key = `${instanceId} ${after}`;
    const under = this.#reads.get(key);
    if (under) return under;
    const read = this.#read(instanceId, after).finally(() => this.#reads.delete(key));
    this.#reads.set(key, read);
    return read;
  }

  marks = async (id: InstanceId): Promise<EngineJobMarks> =>
    (await this.store.engineJobMarks([id])).get(id) ?? { lastSeq: 0, trimmedSeq: 0 };

  /** Resolves when there are changes after that number, when `ms` have passed, or when the signal is aborted. */
  async changed(instanceId: InstanceId, after: number, ms: number, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const follower: Follower = { instanceId, after, wake: () => done.abort() };
    this.#followers.add(follower);
    this.#timer ??= setTimeout(() => void this.#look(), lookEveryMs).unref();
    await sleep(ms, undefined, { signal: AbortSignal.any([done.signal, signal]) }).catch(() => undefined);
    this.#followers.delete(follower);
  }

  async #read(instanceId: InstanceId, after: number): Promise<Changes> {
    const changes = await this.store.engineJobChanges(instanceId, after, changesAtOnce);
    // After the changes: what is removed between the two is found out, if once too often.
    const { trimmedSeq } = await this.marks(instanceId);
    return { changes, trimmedSeq };
  }

  async #look(): Promise<void> {
    try {
      const ids = [...new Set([...this.#followers].map(({ instanceId }) => instanceId))];
      const marks =
        ids.length > 0 ? await this.store.engineJobMarks(ids) : new Map<InstanceId, EngineJobMarks>();
      for (const follower of this.#followers) {
        if ((marks.get(follower.instanceId)?.lastSeq ?? 0) > follower.after) follower.wake();
      }
    } catch (error) {
      this.trouble(error);
    }
    this.#timer = this.#followers.size > 0 ? setTimeout(() => void this.#look(), lookEveryMs).unref() : null;
  }
}
