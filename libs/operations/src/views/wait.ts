import type { OperationId } from '@bellows/domain/ids';
import { isLive } from '@bellows/domain/lifecycle';
import type { Clock } from '../ports/clock.js';
import type { Operation } from '../ports/rows.js';
import type { Store } from '../ports/store.js';

const pollMs = 1_000;

/** Wakes those who wait for an operation when any process says it has ended: one listener, however many wait. */
export class OperationEnds {
  private readonly waiting = new Map<OperationId, Set<() => void>>();
  private readonly close: () => void;
  private stopped = false;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {
    this.close = store.onOperationEnded((id) => this.waiting.get(id)?.forEach((wake) => wake()));
  }

  /** Those who wait get what is known now; nobody waits after this. */
  stop(): void {
    this.stopped = true;
    this.close();
    for (const wakes of this.waiting.values()) for (const wake of wakes) wake();
  }

  /**
   * The operation as it is when it has ended, `waitMs` have passed, or the caller has gone away.
   * Notices may be lost: it looks again each second as well.
   */
  async wait(operation: Operation, waitMs: number, gone: AbortSignal): Promise<Operation> {
    const until = this.clock.now() + waitMs;
    let latest = operation;
    for (;;) {
      const left = until - this.clock.now();
      if (!isLive(latest.state) || left <= 0 || gone.aborted || this.stopped) return latest;
      const { heard, forget } = this.listen(latest.id);
      const nap = new AbortController();
      const stopNap = () => nap.abort();
      gone.addEventListener('abort', stopNap, { once: true });
      try {
        // Read after listening, or an end between the two would go unheard.
        latest = (await this.store.operation(latest.id)) ?? latest;
        if (!isLive(latest.state) || gone.aborted) return latest;
        const rest = this.clock.sleep(Math.min(pollMs, left), nap.signal).catch(() => undefined);
        await Promise.race([heard, rest]);
      } finally {
        gone.removeEventListener('abort', stopNap);
        stopNap();
        forget();
      }
      latest = (await this.store.operation(latest.id)) ?? latest;
    }
  }

  private listen(id: OperationId): { heard: Promise<void>; forget: () => void } {
    const wakes = this.waiting.get(id) ?? new Set<() => void>();
    this.waiting.set(id, wakes);
    let wake!: () => void;
    const heard = new Promise<void>((resolve) => (wake = resolve));
    wakes.add(wake);
    const forget = () => {
      wakes.delete(wake);
      if (wakes.size === 0) this.waiting.delete(id);
    };
    return { heard, forget };
  }
}
