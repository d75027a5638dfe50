import type { Clock } from '@bellows/operations/ports/clock';

/** Where engines' states are kept between two lives of the process, a text an instance. */
export interface EngineShelf {
  /** Null for an instance it has nothing of. */
  load(instanceId: string): string | null;
  save(instanceId: string, text: string): Promise<void>;
  forget(instanceId: string): Promise<void>;
}

const quietMs = 3_000;

/** Saves what has changed, a while after it did; not each change is worth a file. */
export class Keeper {
  private readonly due = new Map<string, AbortController>();

  constructor(
    private readonly shelf: EngineShelf,
    private readonly clock: Clock,
    private readonly textOf: (instanceId: string) => string | null,
  ) {}

  changed(instanceId: string): void {
    if (this.due.has(instanceId)) return;
    const stop = new AbortController();
    this.due.set(instanceId, stop);
    this.clock.sleep(quietMs, stop.signal).then(
      () => this.save(instanceId),
      () => undefined,
    );
  }

  async save(instanceId: string): Promise<void> {
    this.due.get(instanceId)?.abort();
    this.due.delete(instanceId);
    const text = this.textOf(instanceId);
    // What cannot be written is still there in memory; the next change tries again.
    if (text !== null) await this.shelf.save(instanceId, text).catch(() => undefined);
  }

  async forget(instanceId: string): Promise<void> {
    this.due.get(instanceId)?.abort();
    this.due.delete(instanceId);
    await this.shelf.forget(instanceId).catch(() => undefined);
  }
}
