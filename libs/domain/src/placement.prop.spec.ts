import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { HostId } from './ids.js';
import { FleetIndex, type PlaceableHost } from './placement.js';
import { claimOf } from './host.js';
import { fitsIn, minus, plus, type Size } from './size.js';

const size = fc.record({
  vcpus: fc.integer({ min: 1, max: 8 }),
  ramMib: fc.integer({ min: 1, max: 16 }).map((n) => n * 512),
  diskGib: fc.integer({ min: 1, max: 40 }),
});
const hostArb = fc.record({
  zone: fc.constantFrom('a', 'b'),
  state: fc.constantFrom('ready' as const, 'ready' as const, 'cordoned' as const),
  capacity: fc.record({
    vcpus: fc.integer({ min: 1, max: 24 }),
    ramMib: fc.integer({ min: 1, max: 48 }).map((n) => n * 512),
    diskGib: fc.integer({ min: 10, max: 200 }),
  }),
  guestOverheadMib: fc.constantFrom(0, 256),
});
const fleet = fc.array(hostArb, { minLength: 1, maxLength: 12 }).map((hosts) =>
  hosts.map((host, i): PlaceableHost => ({
    ...host,
    id: `h-${i}` as HostId,
    reserved: { vcpus: 0, ramMib: 0, diskGib: 0 },
  })),
);
const step = fc.record({ size, zone: fc.constantFrom(undefined, 'a', 'b'), remove: fc.boolean() });

/** What placement must decide, written as plainly as possible. */
function candidates(
  hosts: readonly PlaceableHost[],
  used: ReadonlyMap<string, Size>,
  ask: { size: Size; zone?: string | undefined },
) {
  return hosts.filter(
    (host) =>
      host.state === 'ready' &&
      (ask.zone === undefined || host.zone === ask.zone) &&
      fitsIn(claimOf(ask.size, host.guestOverheadMib), minus(host.capacity, used.get(host.id)!)),
  );
}

describe('the fleet index', () => {
  it('never oversells, never overlooks room, and leaves the fewest vCPUs over', () => {
    fc.assert(
      fc.property(fleet, fc.array(step, { maxLength: 60 }), (hosts, steps) => {
        const index = new FleetIndex();
        const used = new Map<string, Size>(hosts.map((host) => [host.id, host.reserved]));
        const claims: { host: PlaceableHost; claim: Size }[] = [];
        for (const host of hosts) index.upsert(host);
        for (const { size, zone, remove } of steps) {
          const last = remove ? claims.pop() : undefined;
          if (last) {
            index.note(last.host.id, last.claim, -1);
            used.set(last.host.id, minus(used.get(last.host.id)!, last.claim));
          }
          const possible = candidates(hosts, used, { size, zone });
          const chosen = index.choose({ size, zone });
          expect(chosen !== undefined).toBe(possible.length > 0);
          if (!chosen) continue;
          const left = (host: PlaceableHost) => host.capacity.vcpus - used.get(host.id)!.vcpus;
          expect(left(chosen)).toBe(Math.min(...possible.map(left)));
          const claim = claimOf(size, chosen.guestOverheadMib);
          index.note(chosen.id, claim, 1);
          used.set(chosen.id, plus(used.get(chosen.id)!, claim));
          claims.push({ host: chosen, claim });
          expect(fitsIn(used.get(chosen.id)!, chosen.capacity)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('decides the same for the same history', () => {
    fc.assert(
      fc.property(fleet, fc.array(size, { maxLength: 30 }), (hosts, sizes) => {
        const decide = () => {
          const index = new FleetIndex();
          for (const host of hosts) index.upsert(host);
          return sizes.map((size) => {
            const host = index.choose({ size });
            if (host) index.note(host.id, claimOf(size, host.guestOverheadMib), 1);
            return host?.id;
          });
        };
        expect(decide()).toEqual(decide());
      }),
    );
  });

  it('avoids what it is told to avoid', () => {
    const index = new FleetIndex();
    const host = (id: string): PlaceableHost => ({
      id: id as HostId,
      zone: 'a',
      state: 'ready',
      capacity: { vcpus: 8, ramMib: 8192, diskGib: 100 },
      reserved: { vcpus: 0, ramMib: 0, diskGib: 0 },
      guestOverheadMib: 0,
    });
    index.upsert(host('h-1'));
    index.upsert(host('h-2'));
    const ask = { size: { vcpus: 1, ramMib: 1024, diskGib: 10 } };
    const first = index.choose(ask)!.id;
    const second = index.choose({ ...ask, avoid: new Set([first]) })!.id;
    expect(second).not.toBe(first);
    expect(index.choose({ ...ask, avoid: new Set([first, second]) })).toBeUndefined();
  });
});
