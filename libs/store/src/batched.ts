import { StoreUnavailableError } from '@bellows/operations/ports/store-errors';

interface Waiting<Ask, Result> {
  readonly ask: Ask;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls that come while a statement is under way share the next one: a busy process then pays for one round trip
 * and one flush where it paid for dozens, and an idle one waits for nobody.
 */
export class Batched<Ask, Result> {
  private waiting: Waiting<Ask, Result>[] = [];
  private underWay = 0;

  constructor(
    /** Answers in the order of the asks. Where it throws for several, each is asked again alone. */
    private readonly work: (asks: readonly Ask[]) => Promise<readonly Result[]>,
    private readonly limits: { readonly batch: number; readonly atOnce: number },
  ) {}

  ask(ask: Ask): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ ask, resolve, reject });
      if (this.underWay < this.limits.atOnce) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.underWay++;
    // What is asked in the same turn of the event loop goes along.
    await Promise.resolve();
    while (this.waiting.length > 0) await this.together(this.waiting.splice(0, this.limits.batch));
    this.underWay--;
  }

  private async together(group: readonly Waiting<Ask, Result>[]): Promise<void> {
    try {
      const results = await this.work(group.map(({ ask }) => ask));
      group.forEach(({ resolve }, n) => resolve(results[n]!));
    } catch (error) {
      if (group.length === 1 || error instanceof StoreUnavailableError)
        return group.forEach(({ reject }) => reject(error));
      for (const one of group) await this.together([one]);
    }
  }
}
