import { describe, expect, it } from '@jest/globals';
import { capacityOf, claimOf, diskOnly } from './host.js';

describe('the capacity of a host', () => {
  it('is what the reserve leaves, times the overcommit, less what foreign guests take', () => {
    const capacity = capacityOf({
      physical: { vcpus: 16, ramMib: 65536, diskGib: 1000 },
      reserve: { vcpus: 1, ramMib: 2048, diskGib: 50 },
      foreign: { vcpus: 2, ramMib: 4096, diskGib: 100 },
      overcommit: { vcpus: 4, ramMib: 1, diskGib: 1 },
    });
    expect(capacity).toEqual({ vcpus: 58, ramMib: 59392, diskGib: 850 });
  });

  it('is never below nothing', () => {
    const size = { vcpus: 1, ramMib: 1, diskGib: 1 };
    const capacity = capacityOf({
      physical: size,
      reserve: { ...size, vcpus: 9 },
      foreign: size,
      overcommit: size,
    });
    expect(capacity).toEqual({ vcpus: 0, ramMib: 0, diskGib: 0 });
  });

  it("is claimed with the hypervisor's overhead while memory is reserved", () => {
    const reserved = { vcpus: 1, ramMib: 1024, diskGib: 20 };
    expect(claimOf(reserved, 300)).toEqual({ vcpus: 1, ramMib: 1324, diskGib: 20 });
    expect(claimOf(diskOnly(reserved), 300)).toEqual({ vcpus: 0, ramMib: 0, diskGib: 20 });
  });
});
