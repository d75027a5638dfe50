import { describe, expect, it } from '@jest/globals';
import { StoreUnavailableError } from '@bellows/operations/ports/store-errors';
import { Batched } from './batched.js';

/** A statement that ends when told to, and doubles what it is asked. */
function slowly(fails: (asks: readonly number[]) => Error | null = () => null) {
  const sent: (readonly number[])[] = [];
  const ends: (() => void)[] = [];
  const batched = new Batched<number, number>(
    async (asks) => {
      sent.push(asks);
      await new Promise<void>((end) => ends.push(end));
      const error = fails(asks);
      if (error) throw error;
      return asks.map((ask) => ask * 2);
    },
    { batch: 3, atOnce: 1 },
  );
  /** Ends what is under way until nothing is. */
  const finish = async () => {
    for (let quiet = 0; quiet < 5; quiet++) {
      await new Promise(setImmediate);
      if (ends.length > 0) quiet = 0;
      ends.splice(0).forEach((end) => end());
    }
  };
  return { batched, sent, finish };
}

describe('calls that are made together', () => {
  it('go at once when nothing is under way, and share the next statement when something is', async () => {
    const { batched, sent, finish } = slowly();
    const first = batched.ask(1);
    await new Promise(setImmediate);
    expect(sent).toEqual([[1]]);
    const more = [2, 3, 4, 5].map((ask) => batched.ask(ask));
    await finish();
    expect(await Promise.all([first, ...more])).toEqual([2, 4, 6, 8, 10]);
    expect(sent).toEqual([[1], [2, 3, 4], [5]]);
  });

  it('are asked again alone where one of them fails, so that each has its own answer', async () => {
    const { batched, finish } = slowly((asks) => (asks.includes(2) ? new Error('two') : null));
    const answers = Promise.allSettled([1, 2, 3].map((ask) => batched.ask(ask)));
    await finish();
    expect(await answers).toMatchObject([
      { status: 'fulfilled', value: 2 },
      { status: 'rejected', reason: { message: 'two' } },
      { status: 'fulfilled', value: 6 },
    ]);
  });

  it('fail together, once, when the database is away', async () => {
    const { batched, sent, finish } = slowly(() => new StoreUnavailableError('away'));
    const answers = Promise.allSettled([1, 2, 3].map((ask) => batched.ask(ask)));
    await finish();
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(sent).toHaveLength(1);
  });
});
