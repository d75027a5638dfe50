import { larger, nothing, plus, type Dimension, type Size } from './size.js';

/** Sold ÷ physical, per dimension. */
export type Overcommit = Size;
export const defaultOvercommit: Overcommit = { vcpus: 4, ramMib: 1, diskGib: 1 };

export interface HostMakeup {
  readonly physical: Size;
  readonly overcommit: Overcommit;
  /** Kept for the host's own system. */
  readonly reserve: Size;
  /** Used by guests that are not ours: never sold, never touched. */
  readonly foreign: Size;
}

/** What may be sold: (physical − reserve) × overcommit − foreign, whole units, never below nothing. */
export function capacityOf({ physical, overcommit, reserve, foreign }: HostMakeup): Size {
  const sellable = (d: Dimension) => Math.floor((physical[d] - reserve[d]) * overcommit[d]) - foreign[d];
  return larger(
    { vcpus: sellable('vcpus'), ramMib: sellable('ramMib'), diskGib: sellable('diskGib') },
    nothing,
  );
}

/** What an instance's `reserved` costs its host: the hypervisor's own memory comes with the guest's. */
export const claimOf = (reserved: Size, guestOverheadMib: number): Size =>
  reserved.ramMib > 0 ? plus(reserved, { ...nothing, ramMib: guestOverheadMib }) : reserved;

/** The part of a size that a stopped instance keeps. */
export const diskOnly = (size: Size): Size => ({ ...nothing, diskGib: size.diskGib });
