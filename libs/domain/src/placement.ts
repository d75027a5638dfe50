import type { HostId } from './ids.js';
import type { HostState } from './lifecycle.js';
import { minus, nothing, plus, type Size } from './size.js';

/** A host as placement sees it; `reserved` includes every claim known to be committed. */
export interface PlaceableHost {
  readonly id: HostId;
  readonly zone: string;
  readonly state: HostState;
  readonly capacity: Size;
  readonly reserved: Size;
  readonly guestOverheadMib: number;
}

export interface PlacementAsk {
  readonly size: Size;
  readonly zone?: string | undefined;
  /** Hosts that must not be chosen (anti-affinity, a claim that was just refused). */
  readonly avoid?: ReadonlySet<HostId> | undefined;
}

interface Entry {
  host: PlaceableHost;
  freeVcpus: number;
  freeRamMib: number;
  freeDiskGib: number;
  /** Noted, and neither confirmed nor given back: not in `host.reserved` yet, as far as we know. */
  pending: Size;
  /** Position in its bucket; −1 when it is in none. */
  at: number;
}

interface Bucket {
  entries: Entry[];
  /** No entry has more free memory than this; exact after a full scan. */
  ramCeiling: number;
}

/** The hosts of one zone, in buckets by free vCPUs; a scan of small integers finds the best fit. */
class ZoneIndex {
  private readonly buckets: Bucket[] = [];

  insert(entry: Entry): void {
    const bucket = (this.buckets[entry.freeVcpus] ??= { entries: [], ramCeiling: 0 });
    entry.at = bucket.entries.push(entry) - 1;
    if (entry.freeRamMib > bucket.ramCeiling) bucket.ramCeiling = entry.freeRamMib;
  }

  remove(entry: Entry): void {
    const { entries } = this.buckets[entry.freeVcpus]!;
    const last = entries.pop()!;
    if (last !== entry) {
      entries[entry.at] = last;
      last.at = entry.at;
    }
    entry.at = -1;
  }

  /** Best fit: exactly the fewest vCPUs left over; among those, the least memory of the first candidates looked at. */
  best(ask: PlacementAsk): Entry | undefined {
    for (let free = ask.size.vcpus; free < this.buckets.length; free++) {
      const bucket = this.buckets[free];
      if (!bucket || bucket.entries.length === 0) continue;
      if (bucket.ramCeiling < ask.size.ramMib) continue;
      const found = bestOf(bucket, ask);
      if (found) return found;
    }
    return undefined;
  }
}

/** Looks at this many candidates of one bucket before it settles for the tightest of them. */
const candidatesPerBucket = 64;

function bestOf(bucket: Bucket, { size, avoid }: PlacementAsk): Entry | undefined {
  const { ramMib, diskGib } = size;
  let found: Entry | undefined;
  let candidates = 0;
  let ramCeiling = 0;
  for (const entry of bucket.entries) {
    if (entry.freeRamMib > ramCeiling) ramCeiling = entry.freeRamMib;
    // The claim includes what the hypervisor itself needs.
    if (entry.freeRamMib < ramMib + entry.host.guestOverheadMib || entry.freeDiskGib < diskGib) continue;
    if (avoid?.has(entry.host.id)) continue;
    if (!found || entry.freeRamMib < found.freeRamMib) found = entry;
    if (++candidates === candidatesPerBucket) return found;
  }
  bucket.ramCeiling = ramCeiling;
  return found;
}

/**
 * Every host of the cloud, kept for quick exact placement. It is a cache: the claim in the database decides.
 * Not pure by nature (it is an index), but free of time, chance and I/O.
 */
export class FleetIndex {
  private readonly entries = new Map<HostId, Entry>();
  private readonly zones = new Map<string, ZoneIndex>();

  /** Takes the host in, or takes in what changed of it; claims whose commit is still under way stay noted. */
  upsert(host: PlaceableHost): void {
    const pending = this.entries.get(host.id)?.pending ?? nothing;
    this.remove(host.id);
    const free = minus(minus(host.capacity, host.reserved), pending);
    const entry: Entry = {
      host,
      freeVcpus: free.vcpus,
      freeRamMib: free.ramMib,
      freeDiskGib: free.diskGib,
      pending,
      at: -1,
    };
    this.entries.set(host.id, entry);
    this.enter(entry);
  }

  remove(id: HostId): void {
    const entry = this.entries.get(id);
    if (!entry) return;
    if (entry.at >= 0) this.zone(entry.host.zone).remove(entry);
    this.entries.delete(id);
  }

  /** Counts a claim before its commit is known (negative gives it back), so that decisions do not pile up. */
  note(id: HostId, claim: Size, sign: 1 | -1): void {
    const entry = this.entries.get(id);
    if (!entry) return;
    if (entry.at >= 0) this.zone(entry.host.zone).remove(entry);
    entry.freeVcpus -= sign * claim.vcpus;
    entry.freeRamMib -= sign * claim.ramMib;
    entry.freeDiskGib -= sign * claim.diskGib;
    entry.pending = sign === 1 ? plus(entry.pending, claim) : minus(entry.pending, claim);
    this.enter(entry);
  }

  /** The noted claim is committed: the host's next row has it. */
  confirm(id: HostId, claim: Size): void {
    const entry = this.entries.get(id);
    if (entry) entry.pending = minus(entry.pending, claim);
  }

  /** The host for this size, or undefined when none has room. Deterministic for the same history of calls. */
  choose(ask: PlacementAsk): PlaceableHost | undefined {
    if (ask.zone !== undefined) return this.zones.get(ask.zone)?.best(ask)?.host;
    let best: Entry | undefined;
    for (const zone of this.zones.values()) {
      const entry = zone.best(ask);
      if (entry && (!best || entry.freeVcpus < best.freeVcpus)) best = entry;
    }
    return best?.host;
  }

  get(id: HostId): PlaceableHost | undefined {
    return this.entries.get(id)?.host;
  }

  get size(): number {
    return this.entries.size;
  }

  hasZone(name: string): boolean {
    return this.zones.has(name);
  }

  private zone(name: string): ZoneIndex {
    let zone = this.zones.get(name);
    if (!zone) this.zones.set(name, (zone = new ZoneIndex()));
    return zone;
  }

  private enter(entry: Entry): void {
    const zone = this.zone(entry.host.zone);
    if (entry.host.state === 'ready' && entry.freeVcpus > 0) zone.insert(entry);
  }
}
