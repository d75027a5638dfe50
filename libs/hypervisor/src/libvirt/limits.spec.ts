import { describe, expect, it } from '@jest/globals';
import { hostFactsVolume, parseHostFacts } from './host-facts.js';
import { cpuPeriodUs, cpuQuotaUs, memoryLimitKib, ramMibOfLimit, vcpusOfQuota } from './limits.js';

describe('limits', () => {
  it('are read back as they were set', () => {
    for (const vcpus of [1, 2, 7, 64]) expect(vcpusOfQuota(cpuQuotaUs(vcpus), cpuPeriodUs)).toBe(vcpus);
    for (const ramMib of [512, 1024, 65_536])
      expect(ramMibOfLimit(memoryLimitKib(ramMib, 512), 512)).toBe(ramMib);
  });

  it('count a part of a CPU, or of a MiB, as a whole', () => {
    expect(vcpusOfQuota(150_000, 100_000)).toBe(2);
    expect(ramMibOfLimit(1024 * 1024 + 1, 512)).toBe(513);
    expect(ramMibOfLimit(1024, 512)).toBe(0);
  });

  it('that are not there are none', () => {
    for (const quota of [undefined, -1, 0]) expect(vcpusOfQuota(quota, 100_000)).toBeNull();
    for (const limit of [undefined, 0, 2 ** 53 - 1, 9_007_199_254_740_988])
      expect(ramMibOfLimit(limit, 512)).toBeNull();
  });
});

describe(`the facts of a host, ${hostFactsVolume}`, () => {
  it('are safe where nothing is said', () => {
    const safe = { virtType: 'qemu', bridge: 'bellows0', guestOverheadMib: 512 };
    expect(parseHostFacts(null)).toEqual(safe);
    expect(parseHostFacts('{}')).toEqual(safe);
    expect(parseHostFacts('{"virtType":"xen"}')).toEqual(safe);
  });

  it('are taken where they make sense', () => {
    const said = { virtType: 'kvm', bridge: 'br1', guestOverheadMib: 300, pool: 'bellows' };
    expect(parseHostFacts(JSON.stringify(said))).toEqual({
      virtType: 'kvm',
      bridge: 'br1',
      guestOverheadMib: 300,
    });
    expect(parseHostFacts('{"virtType":"kvm"}').guestOverheadMib).toBe(256);
  });

  it('are refused where they do not', () => {
    for (const said of [
      '{"bridge":"a b"}',
      '{"bridge":1}',
      '{"guestOverheadMib":1}',
      '{"guestOverheadMib":"512"}',
      '{',
    ])
      expect(() => parseHostFacts(said)).toThrow();
  });
});
