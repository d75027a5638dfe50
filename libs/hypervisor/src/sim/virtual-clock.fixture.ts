import type { Clock } from '@bellows/operations/ports/clock';

/** Time jumps to the next sleeper whenever everything else has come to rest. */
export class VirtualClock implements Clock {
  private readonly sleepers: { at: number; wake: () => void }[] = [];
  private ticking = false;

  constructor(private time = Date.UTC(2026, 0, 1)) {}

  now(): number {
    return this.time;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const sleeper = { at: this.time + ms, wake: resolve };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers.splice(this.sleepers.indexOf(sleeper) >>> 0, 1);
        reject(signal.reason as Error);
      });
      this.tick();
    });
  }

  /** Moves time by hand. */
  pass(ms: number): void {
    this.time += ms;
  }

  private tick(): void {
    if (this.ticking) return;
    this.ticking = true;
    setImmediate(() => {
      this.ticking = false;
      if (this.sleepers.length === 0) return;
      this.sleepers.sort((a, b) => a.at - b.at);
      const next = this.sleepers.shift()!;
      this.time = Math.max(this.time, next.at);
      next.wake();
      this.tick();
    });
  }
}
