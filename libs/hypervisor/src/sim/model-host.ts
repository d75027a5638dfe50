import type { InstanceId } from '@bellows/domain/ids';
import { nothing, plus, type Size } from '@bellows/domain/size';
import type { HostObservation, ListedGuest } from '@bellows/operations/ports/host-driver';
import { heldBy, isThere, powerAt, runAt, type ModelGuest } from './model-guest.js';

/** A modelled physical server as it is registered. */
export interface HostSpec {
  readonly name: string;
  readonly vcpus: number;
  readonly ramMib: number;
  readonly diskGib: number;
  /** What the hypervisor needs beside each guest's memory; 0 when left out. */
  readonly guestOverheadMib?: number;
}

export interface ModelHost extends Required<HostSpec> {
  readonly images: readonly string[];
  /** The controller whose mark it carries. */
  readonly owner: string | null;
}

/** For tests and for finding leaks: what a host is, and what lies on it, domains or not. */
export interface HostInventory extends ModelHost {
  readonly guests: number;
  /** Disks, also those without a domain. */
  readonly volumes: number;
  readonly running: number;
  /** What all its guests are given now, overhead included. */
  readonly used: Size;
}

export const modelVersion = 'bellows-sim 1';

export function makeHost(spec: HostSpec): ModelHost {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(spec.name))
    throw new TypeError(`host name ${spec.name} is malformed`);
  const { name, vcpus, ramMib, diskGib, guestOverheadMib = 0 } = spec;
  for (const [field, value] of Object.entries({ vcpus, ramMib, diskGib })) {
    if (!Number.isInteger(value) || value < 1)
      throw new TypeError(`${field} of host ${name} must be 1 or more`);
  }
  if (!Number.isInteger(guestOverheadMib) || guestOverheadMib < 0) {
    throw new TypeError(`guestOverheadMib of host ${name} must be 0 or more`);
  }
  return {
    name,
    vcpus,
    ramMib,
    diskGib,
    guestOverheadMib,
    images: ['debian-12', 'debian-12-micro'],
    owner: null,
  };
}

type Guests = ReadonlyMap<string, ModelGuest>;

export function observeHost(host: ModelHost, guests: Guests, now: number): HostObservation {
  let foreign = nothing;
  for (const guest of guests.values()) {
    const ours = guest.controllerId !== null && guest.controllerId === host.owner;
    if (!ours && isThere(guest, now)) foreign = plus(foreign, heldBy(guest, now));
  }
  const { vcpus, ramMib, diskGib, guestOverheadMib, owner, images } = host;
  return {
    physical: { vcpus, ramMib, diskGib },
    foreign,
    guestOverheadMib,
    owner,
    version: modelVersion,
    images,
  };
}

export function listGuests(guests: Guests, now: number): ListedGuest[] {
  const listed: ListedGuest[] = [];
  for (const [id, guest] of guests) {
    const power = powerAt(guest, now);
    if (power === 'absent') continue;
    const { controllerId } = guest;
    listed.push({ instanceId: controllerId === null ? null : (id as InstanceId), controllerId, power });
  }
  return listed;
}

export function inventoryOf(host: ModelHost, guests: Guests, now: number): HostInventory {
  const there = [...guests.values()].filter((guest) => isThere(guest, now));
  const running = there.filter((guest) => runAt(guest, now)).length;
  const overhead: Size = { vcpus: 0, ramMib: running * host.guestOverheadMib, diskGib: 0 };
  const used = there.reduce((sum, guest) => plus(sum, heldBy(guest, now)), overhead);
  const defined = there.filter((guest) => guest.defined).length;
  return { ...host, guests: defined, volumes: there.length, running, used };
}

/** A guest that Bellows did not make: running, with no mark of any controller (or of another one). */
export function foreignGuest(size: Size, controllerId: string | null, now: number): ModelGuest {
  const { vcpus, ramMib, diskGib } = size;
  return {
    controllerId,
    fence: 0,
    image: 'foreign',
    hostname: 'foreign',
    diskFormat: 'raw',
    nic: null,
    floor: { vcpus, ramMib },
    ceiling: { vcpus, ramMib },
    diskGib,
    defined: true,
    limits: { vcpus, ramMib },
    run: {
      startedAt: now,
      endsAt: null,
      resetAt: null,
      agentReadyAt: null,
      requestedRamMib: ramMib,
      memory: [[now, ramMib]],
      pluggedVcpus: [[now, vcpus]],
      onlineVcpus: [[now, vcpus]],
    },
    busyUntil: now,
    absentAt: null,
    draws: 0,
  };
}
