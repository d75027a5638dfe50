/** One ring that waits to be sent. */
export interface PendingRing {
  readonly operationId: string;
  readonly delayMs: number;
}

export class RingLostError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RingLostError';
  }
}

interface Limits {
  /** Rings in one call of the backend. */
  readonly batch: number;
  /** Rings that may wait; more are lost. */
  readonly waiting: number;
  /** How long one call may take before its rings count as lost. */
  readonly deadlineMs: number;
}

interface Waiting {
  readonly rings: readonly PendingRing[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Sends rings in groups: what arrives while one call is under way leaves together in the next. A backend that
 * hangs costs a caller at most two deadlines, and never more memory than `limits.waiting` rings.
 */
export class RingBatch {
  #waiting: Waiting[] = [];
  #waitingRings = 0;
  #sending = false;

  constructor(
    private readonly send: (rings: readonly PendingRing[]) => Promise<void>,
    private readonly limits: Limits,
  ) {}

  /** Rejects with `RingLostError` when the rings may not have arrived. */
  add(rings: readonly PendingRing[]): Promise<void> {
    if (rings.length === 0) return Promise.resolve();
    if (this.#waitingRings + rings.length > this.limits.waiting) {
      return Promise.reject(new RingLostError(`${this.#waitingRings} rings wait already`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ rings, resolve, reject });
      this.#waitingRings += rings.length;
      if (!this.#sending) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    while (this.#waiting.length > 0) {
      const group = this.#takeGroup();
      try {
        await this.#sendAll(group.flatMap(({ rings }) => rings));
        for (const { resolve } of group) resolve();
      } catch (error) {
        const lost = new RingLostError('the queue did not take the rings', { cause: error });
        for (const { reject } of group) reject(lost);
      }
    }
    this.#sending = false;
  }

  #takeGroup(): Waiting[] {
    let rings = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && rings + waiting.rings.length > this.limits.batch) break;
      rings += waiting.rings.length;
      count += 1;
    }
    this.#waitingRings -= rings;
    return this.#waiting.splice(0, count);
  }

  async #sendAll(rings: readonly PendingRing[]): Promise<void> {
    for (let start = 0; start < rings.length; start += this.limits.batch) {
      await within(this.limits.deadlineMs, this.send(rings.slice(start, start + this.limits.batch)));
    }
  }
}

/** Rejects when `work` has not settled by then; `work` itself goes on, unheard. */
export async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
