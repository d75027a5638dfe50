/** Lets writers in and out, so that the store can be had alone for a while. */
export class Gate {
  #closed = false;
  #inside = 0;
  #emptied: () => void = () => undefined;
  readonly #pushing = new Map<string, number>();

  constructor(private readonly now: () => number) {}

  /** @returns to be called on leaving; null while it is closed. */
  enter(): (() => void) | null {
    if (this.#closed) return null;
    this.#inside++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      if (--this.#inside === 0) this.#emptied();
    };
  }

  /** Layers have come and their manifest has not: a collection now would take them away. */
  pushing(repository: string): void {
    this.#pushing.set(repository, this.now());
  }

  pushed(repository: string): void {
    this.#pushing.delete(repository);
  }

  /** Pushes that did something within that time, and are not done. */
  pushesSince(ms: number): number {
    const since = this.now() - ms;
    for (const [repository, at] of this.#pushing) if (at < since) this.#pushing.delete(repository);
    return this.#pushing.size;
  }

  /** Nobody new gets in; does the work once everybody has left, or gives up. @throws Error when they do not leave. */
  async alone<Result>(work: () => Promise<Result>, withinMs: number): Promise<Result> {
    if (this.#closed) throw new Error('closed already');
    this.#closed = true;
    let late: NodeJS.Timeout | undefined;
    try {
      if (this.#inside > 0) {
        await new Promise<void>((resolve, reject) => {
          this.#emptied = resolve;
          late = setTimeout(() => reject(new Error('writers do not leave')), withinMs);
        });
      }
      return await work();
    } finally {
      clearTimeout(late);
      this.#emptied = () => undefined;
      this.#closed = false;
    }
  }
}
