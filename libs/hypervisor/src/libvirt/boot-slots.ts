import { DeadlineError } from '@bellows/operations/ports/driver-errors';
import type { Deadline } from './deadline.js';

/**
 * How many guests of a host boot at once. Booting is bound by the processor, under software emulation above all:
 * two at a time finish sooner than eight. A slot is kept until the guest's agent speaks, it stops, or time is up.
 */
export class BootSlots {
  private readonly booting = new Map<string, NodeJS.Timeout>();
  private readonly waiting: { readonly id: string; readonly go: () => void }[] = [];

  constructor(
    private readonly limit: number,
    private readonly bootMs: number,
  ) {}

  /** Waits for a slot, at most until the deadline. */
  async take(id: string, deadline: Deadline): Promise<void> {
    if (this.booting.has(id)) return;
    if (this.booting.size < this.limit) return this.occupy(id);
    let go = (): void => undefined;
    const turn = new Promise<void>((resolve) => (go = resolve));
    const entry = { id, go: () => go() };
    this.waiting.push(entry);
    try {
      await deadline.race('waiting for other guests to boot', turn);
    } catch (error) {
      const place = this.waiting.indexOf(entry);
      if (place >= 0) this.waiting.splice(place, 1);
      // Its turn came at the very moment that its time was up.
      else if (error instanceof DeadlineError) this.settle(id);
      throw error;
    }
  }

  /** It has booted, or never will. */
  settle(id: string): void {
    const timer = this.booting.get(id);
    if (timer === undefined) return;
    clearTimeout(timer);
    this.booting.delete(id);
    const next = this.waiting.shift();
    if (!next) return;
    this.occupy(next.id);
    next.go();
  }

  close(): void {
    for (const timer of this.booting.values()) clearTimeout(timer);
    this.booting.clear();
  }

  private occupy(id: string): void {
    this.booting.set(id, setTimeout(() => this.settle(id), this.bootMs).unref());
  }
}
