import type { Clock } from '@bellows/operations/ports/clock';

/** Where engines' states are kept between two lives of the process, a text an instance. */
export interface EngineShelf {
  /** Null for an instance it has nothing of. */
  load(instanceId: string): string | null;
  save(instanceId: string, text: string): Promise<void>;
  forget(instanceId: string): Promise<void>;
}

const quietMs = 3_000;
/** A large state takes long to write down: at most this share of the time goes into it. */
const share = 1 / 50;

/** Saves what has changed, a while after it did; not each change is worth a file. */
export class Keeper {
  private readonly due = new Map<string, AbortController>();
  private readonly took = new Map<string, number>();

  constructor(
    private readonly shelf: EngineShelf,
    private readonly clock: Clock,
    private readonly textOf: (instanceId: string) => string | null,
  ) {}

  changed(instanceId: string): void {
    if (this.due.has(instanceId)) return;
    const stop = new AbortController();
    this.due.set(instanceId, stop);
    const wait = Math.max(quietMs, (this.took.get(instanceId) ?? 0) / share);
    this.clock.sleep(wait, stop.signal).then(
      () => this.save(instanceId),
      () => undefined,
    );
  }

  async save(instanceId: string): Promise<void> {
    this.due.get(instanceId)?.abort();
    this.due.delete(instanceId);
    try {
      const from = this.clock.now();
      const text = this.textOf(instanceId);
      this.took.set(instanceId, this.clock.now() - from);
      if (text !== null) await this.shelf.save(instanceId, text);
    } catch {
      // What cannot be written is still there in memory; the next change tries again.
    }
  }

  async forget(instanceId: string): Promise<void> {
    this.due.get(instanceId)?.abort();
    this.due.delete(instanceId);
    this.took.delete(instanceId);
    await this.shelf.forget(instanceId).catch(() => undefined);
  }
}
