import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { micro, money } from './money.js';
import { firstCatalogue } from './plan.js';
import { pricePerHour } from './price.js';

describe('money', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), (amount) =>
        expect(micro(money(amount))).toBe(amount),
      ),
    );
  });

  it('shows at least four places', () => {
    expect([
      money(0n),
      money(21_000n),
      money(10_500n),
      money(5_250n),
      money(123_456n),
      money(-10_500n),
    ]).toEqual(['0.0000', '0.0210', '0.0105', '0.00525', '0.123456', '-0.0105']);
  });

  it.each(['', '1,0', '-1', '1e3', '0.1234567', ' 1', 'NaN'])('refuses %j', (text) => {
    expect(() => micro(text)).toThrow(RangeError);
  });
});

describe('a price', () => {
  const plan = firstCatalogue.find(({ id }) => id === 'ecs-1c1g')!;

  it("is the plan's for the plan's own size", () => {
    expect(money(pricePerHour({ vcpus: 1, ramMib: 1024, diskGib: 20 }, plan))).toBe('0.0105');
  });

  it('is by the unit for any other size, and adds the disk beyond the plan', () => {
    expect(money(pricePerHour({ vcpus: 2, ramMib: 3072, diskGib: 30 }, plan))).toBe('0.02725');
  });
});
