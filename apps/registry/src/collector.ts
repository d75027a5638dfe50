import { setTimeout as sleep } from 'node:timers/promises';
import type { Distribution } from './distribution.js';
import type { Gate } from './gate.js';
import type { Ledger } from './ledger.js';
import type { StoredImages } from './stored-images.js';

export interface CollectionReport {
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly error: string | null;
}

const waitForPushesMs = 10 * 60_000;
const writersLeaveWithinMs = 60_000;
const hourMs = 3_600_000;

/** Gives back the space of what no tag names any more, when nobody pushes. */
export class Collector {
  #last: CollectionReport | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(
    private readonly distribution: Pick<Distribution, 'collect'>,
    private readonly images: StoredImages,
    private readonly ledger: Ledger,
    private readonly gate: Gate,
    private readonly quietMs: number,
    private readonly log: (message: string, detail?: unknown) => void,
  ) {}

  get last(): CollectionReport | null {
    return this.#last;
  }

  /** False: one is under way. Its end is told in `last`. */
  start(): boolean {
    if (this.#last && this.#last.finishedAt === null) return false;
    void this.collect();
    return true;
  }

  /** Never rejects. */
  async collect(): Promise<CollectionReport> {
    const startedAt = Date.now();
    this.#last = { startedAt, finishedAt: null, error: null };
    let error: string | null = null;
    try {
      const until = startedAt + waitForPushesMs;
      while (this.gate.pushesSince(this.quietMs) > 0 && Date.now() < until && !this.#stopped)
        await sleep(250);
      if (!this.#stopped) await this.gate.alone(() => this.#giveBack(), writersLeaveWithinMs);
    } catch (caught) {
      error = (caught as Error).message;
      this.log('space was not given back', caught);
    }
    return (this.#last = { startedAt, finishedAt: Date.now(), error });
  }

  /** Once a day at that hour, UTC. */
  daily(hour: number): void {
    const now = Date.now();
    const today = Math.floor(now / (24 * hourMs)) * 24 * hourMs + hour * hourMs;
    const next = today > now ? today : today + 24 * hourMs;
    this.#timer = setTimeout(() => {
      this.start();
      this.daily(hour);
    }, next - now).unref();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  async #giveBack(): Promise<void> {
    try {
      await this.distribution.collect();
      for (const namespace of await this.images.namespaces()) {
        for (const name of await this.images.repositories(namespace)) await this.images.unlinkUnused(name);
      }
    } finally {
      this.ledger.recount();
    }
  }
}
