import { describe, expect, it } from '@jest/globals';
import { RateLimit } from './rate-limit.js';

describe('the rate limit', () => {
  it('lets a burst through, then as many a second as it says, for each token by itself', () => {
    let now = 0;
    const limit = new RateLimit(10, () => now);
    const take = (who: string, times: number) =>
      Array.from({ length: times }, () => limit.take(who)).filter(({ allowed }) => allowed).length;
    expect(take('a', 15)).toBe(10);
    expect(take('b', 1)).toBe(1);
    now = 500;
    expect(take('a', 10)).toBe(5);
    now = 60_000;
    expect(take('a', 15)).toBe(10);
  });

  it('says what is left and when all of it is back', () => {
    const limit = new RateLimit(10, () => 0);
    expect(limit.take('a')).toEqual({ allowed: true, limit: 10, remaining: 9, resetSeconds: 1 });
  });
});
