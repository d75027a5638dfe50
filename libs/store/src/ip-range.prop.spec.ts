import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ipRange } from './ip-range.js';

const number = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

describe('ipRange', () => {
  it('hands out every address but network, gateway and broadcast, each once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 22, max: 30 }), fc.nat(255), fc.nat(2 ** 10), (length, block, salt) => {
        const total = 2 ** (32 - length);
        const gatewayOffset = salt % total;
        const first = 10 * 2 ** 24 + block * 1024;
        const text = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.');
        const range = ipRange(`${text(first)}/${length}`, text(first + gatewayOffset));
        const given = Array.from({ length: range.size }, (_, n) => number(range.addressAt(n)));
        const wanted = Array.from({ length: total }, (_, n) => first + n).filter(
          (n) => n !== first && n !== first + total - 1 && n !== first + gatewayOffset,
        );
        expect(given).toEqual(wanted);
      }),
    );
  });

  it('counts a whole /8 without listing it, and skips no address for a gateway outside', () => {
    const range = ipRange('10.0.0.0/8', '192.0.2.1');
    expect(range.size).toBe(2 ** 24 - 2);
    expect(range.addressAt(range.size - 1)).toBe('10.255.255.254');
  });

  it.each([['10.0.0.0/31'], ['10.0.0.0/32']])('has nothing to hand out of %s', (cidr) => {
    expect(ipRange(cidr, '10.0.0.0').size).toBe(0);
  });

  it.each([['fd00::/64'], ['10.0.0/8'], ['10.0.0.256/24'], ['10.0.0.0/33'], ['x']])('refuses %s', (cidr) => {
    expect(() => ipRange(cidr, '10.0.0.1')).toThrow(RangeError);
  });
});
