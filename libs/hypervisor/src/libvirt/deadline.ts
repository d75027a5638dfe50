import { DeadlineError } from '@bellows/operations/ports/driver-errors';

export type Now = () => number;

/** The longest that any one call may take, whatever the deadline. */
const longestCallMs = 60_000;

/** Until when a verb may take effect. Every call to the host goes through `call`. */
export class Deadline {
  constructor(
    /** Milliseconds since the epoch. */
    readonly atMs: number,
    private readonly now: Now,
  ) {}

  static after(ms: number, now: Now): Deadline {
    return new Deadline(now() + ms, now);
  }

  get remainingMs(): number {
    return this.atMs - this.now();
  }

  /** The earlier of this one and `ms` from now. */
  within(ms: number): Deadline {
    return new Deadline(Math.min(this.atMs, this.now() + ms), this.now);
  }

  /** Options of the next call. Throws DeadlineError when there is no time left to make it. */
  call(what: string, atMostMs = longestCallMs): { timeoutMs: number } {
    const remaining = Math.floor(this.remainingMs);
    if (remaining <= 0) throw new DeadlineError(`${what}: the deadline has passed`);
    return { timeoutMs: Math.min(remaining, atMostMs, longestCallMs) };
  }

  /** Settles as the promise does, or throws DeadlineError; the promise's own end is then of no interest. */
  async race<T>(what: string, promise: Promise<T>): Promise<T> {
    promise.catch(() => undefined);
    const { timeoutMs } = this.call(what, 2 ** 31 - 1);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DeadlineError(`${what}: no time left`)), timeoutMs);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
