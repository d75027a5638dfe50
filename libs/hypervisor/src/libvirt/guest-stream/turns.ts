/** Does at most about `allowance` worth of work, and answers what it did; `more` when there is more to do. */
export type Slice = (allowance: number) => { readonly done: number; readonly more: boolean };

/** What is handled before the event loop turns again, and what one party may have of it before the next has its turn. */
const turnAllowance = 256 * 1024;
const sliceAllowance = 64 * 1024;

/**
 * Shares the event loop among parties that might keep it busy for ever: each has a slice in turn, and after
 * 256 KiB everything else in the process is served.
 */
export class Turns {
  private readonly waiting = new Set<Slice>();
  private scheduled = false;

  /** Has its slice soon; asking twice is asking once. */
  ask(slice: Slice): void {
    this.waiting.add(slice);
    this.schedule();
  }

  forget(slice: Slice): void {
    this.waiting.delete(slice);
  }

  private schedule(): void {
    if (this.scheduled || this.waiting.size === 0) return;
    this.scheduled = true;
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.scheduled = false;
    let spent = 0;
    for (const slice of this.waiting) {
      if (spent >= turnAllowance) break;
      this.waiting.delete(slice);
      const { done, more } = slice(Math.min(sliceAllowance, turnAllowance - spent));
      spent += done;
      // Added at the end: a set gives it again in this very loop while there is allowance left.
      if (more) this.waiting.add(slice);
    }
    this.schedule();
  }
}
