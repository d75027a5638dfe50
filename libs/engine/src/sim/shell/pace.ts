/**
 * Shares out turns: modelled programs that loop get so many a second all together, one after the other, and so
 * leave the process they are modelled in to others.
 */
export class Pace {
  private nextAt = 0;

  constructor(
    private readonly turnMs: number,
    private readonly wider: Pace | null = null,
  ) {}

  /** How long to wait, in milliseconds, for the turn that is asked for now. */
  waitMs(now: number): number {
    const at = Math.max(now, this.nextAt);
    this.nextAt = at + this.turnMs;
    return Math.max(at - now, this.wider?.waitMs(now) ?? 0);
  }
}
