/**
 * Placement decisions per CPU-second: the fleet index against a naive filter → map → sort over the same hosts, in
 * turns in one process. Each decision is a departure of one guest and the arrival of another, on a fleet that is
 * about 85 % full, so that the fleet stays as full as it was.
 */
import type { HostId } from '@bellows/domain/ids';
import { FleetIndex, type PlaceableHost } from '@bellows/domain/placement';
import { fitsIn, minus, plus, type Size } from '@bellows/domain/size';
import { median, report, round } from './report.js';

const capacity: Size = { vcpus: 128, ramMib: 352 * 1024, diskGib: 10_000 };
const rounds = 5;
const naiveMs = 400;
const indexMs = 400;

/** mulberry32: small, seeded, good enough to draw sizes. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const sizes: readonly Size[] = [1, 1, 1, 2, 2, 4, 8, 16].flatMap((vcpus) =>
  [1, 2, 4].map((ratio) => ({ vcpus, ramMib: vcpus * ratio * 1024, diskGib: 20 })),
);

interface Policy {
  choose(size: Size): HostId | undefined;
  note(id: HostId, size: Size, sign: 1 | -1): void;
}

function indexed(hosts: readonly PlaceableHost[]): Policy {
  const index = new FleetIndex();
  for (const host of hosts) index.upsert(host);
  return {
    choose: (size) => index.choose({ size })?.id,
    note: (id, size, sign) => index.note(id, size, sign),
  };
}

function naive(hosts: readonly PlaceableHost[]): Policy {
  const free = new Map(hosts.map((host) => [host.id, minus(host.capacity, host.reserved)]));
  return {
    choose: (size) =>
      hosts
        .filter((host) => host.state === 'ready' && fitsIn(size, free.get(host.id)!))
        .map((host) => ({ id: host.id, free: free.get(host.id)! }))
        .sort((a, b) => a.free.vcpus - b.free.vcpus || a.free.ramMib - b.free.ramMib)[0]?.id,
    note: (id, size, sign) =>
      free.set(id, sign === 1 ? minus(free.get(id)!, size) : plus(free.get(id)!, size)),
  };
}

/** A fleet filled to 85 % of its vCPUs, and the guests on it. */
function fleet(count: number) {
  const random = chance(count);
  const hosts = Array.from({ length: count }, (_, i): PlaceableHost => {
    const reserved = { vcpus: 0, ramMib: 0, diskGib: 0 };
    return { id: `h-${i}` as HostId, zone: 'bench', state: 'ready', capacity, reserved, guestOverheadMib: 0 };
  });
  const index = indexed(hosts);
  const guests: { id: HostId; size: Size }[] = [];
  for (let vcpus = 0; vcpus < 0.85 * count * capacity.vcpus;) {
    const size = sizes[Math.floor(random() * sizes.length)]!;
    // Scattered, not packed: a fleet that has lived has holes everywhere.
    const id = random() < 0.5 ? hosts[Math.floor(random() * count)]!.id : index.choose(size);
    const host = id === undefined ? undefined : hosts[Number(id.slice(2))];
    if (!host || !fitsIn(plus(host.reserved, size), capacity)) continue;
    Object.assign(host, { reserved: plus(host.reserved, size) });
    index.note(host.id, size, 1);
    guests.push({ id: host.id, size });
    vcpus += size.vcpus;
  }
  return { hosts, guests };
}

/** Churns for that long; decisions per second of this process's CPU time. */
function churn(policy: Policy, guests: { id: HostId; size: Size }[], ms: number, seed: number): number {
  const random = chance(seed);
  const live = guests.map((guest) => ({ ...guest }));
  const before = process.cpuUsage();
  const until = performance.now() + ms;
  let decisions = 0;
  while (performance.now() < until) {
    for (let i = 0; i < 16; i++) {
      const at = Math.floor(random() * live.length);
      const leaving = live[at]!;
      policy.note(leaving.id, leaving.size, -1);
      const size = sizes[Math.floor(random() * sizes.length)]!;
      const id = policy.choose(size);
      if (id === undefined) policy.note(leaving.id, leaving.size, 1);
      else {
        policy.note(id, size, 1);
        live[at] = { id, size };
      }
      decisions++;
    }
  }
  const { user, system } = process.cpuUsage(before);
  return decisions / ((user + system) / 1e6);
}

const results = [100, 1_000, 10_000].map((count) => {
  const { hosts, guests } = fleet(count);
  const pairs = Array.from({ length: rounds }, (_, i) => ({
    naive: churn(naive(hosts), guests, naiveMs, i),
    index: churn(indexed(hosts), guests, indexMs, i),
  }));
  return {
    hosts: count,
    decisionsPerCpuSecond: Math.round(median(pairs.map(({ index }) => index))),
    naivePerCpuSecond: Math.round(median(pairs.map(({ naive }) => naive))),
    ratio: round(median(pairs.map(({ index, naive }) => index / naive))),
  };
});

const at = (count: number) => results.find(({ hosts }) => hosts === count)!;
const costRatio = at(1_000).decisionsPerCpuSecond / at(10_000).decisionsPerCpuSecond;
report({
  bench: 'placement',
  results,
  costAt10000OverCostAt1000: round(costRatio),
  aims: { ratioAt10000: 200, costRatio: 4 },
});
