import { claimOf, diskOnly } from '@bellows/domain/host';
import { larger, minus, nothing, sameSize, type Size } from '@bellows/domain/size';
import type { GuestObservation } from '../ports/host-driver.js';
import type { Condition, Instance } from '../ports/rows.js';
import type { Change } from '../ports/store.js';
import type { Ending, Outcome, StepContext } from '../saga/saga.js';

/** What the last transaction of an instance's operation writes of its size. */
export interface SizeEnding {
  readonly desired: Size;
  readonly seen: GuestObservation;
}

/** `held` as the host enforces it now: a running guest's limits, a stopped one's disk. */
export const heldIn = (seen: GuestObservation): Size =>
  seen.power === 'running' || seen.power === 'paused'
    ? { ...seen.held, ramMib: Math.max(seen.held.ramMib, seen.plugged.ramMib) }
    : seen.power === 'absent'
      ? nothing
      : diskOnly(seen.held);

/** What the guest says it has, at most what the hypervisor gives it: its word can raise nothing. */
export function effectiveIn(seen: GuestObservation, before: Size): Size {
  if (seen.power !== 'running') return diskOnly(seen.held);
  const { guest, plugged, held } = seen;
  if (!guest)
    return {
      vcpus: Math.min(before.vcpus || held.vcpus, held.vcpus),
      ramMib: plugged.ramMib,
      diskGib: held.diskGib,
    };
  return {
    vcpus: Math.min(guest.vcpus, held.vcpus),
    ramMib: guest.ramMib >= plugged.ramMib - 128 ? plugged.ramMib : guest.ramMib,
    diskGib: held.diskGib,
  };
}

/** Claims follow `reserved`: the difference goes to the host, together with the overhead that comes or goes. */
export function claimChange(ctx: Pick<StepContext, 'instance' | 'host'>, reserved: Size): Change[] {
  const { instance, host } = ctx;
  const overhead = host.guestOverheadMib;
  const delta = minus(claimOf(reserved, overhead), claimOf(instance.reserved, overhead));
  return sameSize(delta, nothing) ? [] : [{ change: 'claim-host', hostId: host.id, delta }];
}

/** Billing follows what the host enforces. */
export const usageChange = (instance: Instance, planId: string, held: Size | null, at: number): Change => ({
  change: 'cut-usage',
  instanceId: instance.id,
  projectId: instance.projectId,
  planId,
  held,
  at,
});

export const withCondition = (
  conditions: readonly Condition[],
  type: string,
  message: string | null,
  since: number,
): Condition[] => [
  ...conditions.filter((condition) => condition.type !== type),
  ...(message === null
    ? []
    : [{ type, message, since: conditions.find((c) => c.type === type)?.since ?? since }]),
];

/** A running instance's new standing: reserved is never below what is asked or held. */
export function runningChanges(
  ctx: Pick<StepContext, 'instance' | 'host' | 'clock'>,
  { desired, seen }: SizeEnding,
  more: Partial<Pick<Instance, 'planId' | 'floor' | 'ceiling' | 'conditions'>> = {},
): Change[] {
  const { instance, clock } = ctx;
  const held = heldIn(seen);
  const reserved = larger(desired, held);
  return [
    {
      change: 'update-instance',
      id: instance.id,
      set: {
        state: 'running',
        desired,
        reserved,
        held,
        effective: effectiveIn(seen, instance.effective),
        ...more,
      },
    },
    usageChange(instance, more.planId ?? instance.planId, held, clock.now()),
    ...claimChange(ctx, reserved),
  ];
}

/** A running instance that was asked to have this size; `partial` while it still holds more memory than that. */
export function runningEnding(
  ctx: Pick<StepContext, 'instance' | 'host' | 'clock'>,
  outcome: Outcome,
  { desired, seen }: SizeEnding,
  more: Partial<Pick<Instance, 'planId' | 'floor' | 'ceiling'>> = {},
): Ending {
  const held = heldIn(seen);
  const still = held.ramMib > desired.ramMib;
  const message = still
    ? `Asked for ${desired.ramMib} MiB; the guest still holds ${held.ramMib} MiB and is billed for it.`
    : null;
  const conditions = withCondition(ctx.instance.conditions, 'partial', message, ctx.clock.now());
  return {
    state: outcome === 'succeeded' && still ? 'partial' : outcome,
    changes: runningChanges(ctx, { desired, seen }, { ...more, conditions }),
  };
}

/** A stopped instance keeps its disk and nothing else. */
export function stoppedChanges(
  ctx: Pick<StepContext, 'instance' | 'host' | 'clock'>,
  desired: Size,
  diskGib: number,
  more: Partial<Pick<Instance, 'planId' | 'floor' | 'ceiling' | 'conditions'>> = {},
): Change[] {
  const { instance, clock } = ctx;
  const disk = diskOnly({ ...nothing, diskGib: Math.max(diskGib, desired.diskGib) });
  return [
    {
      change: 'update-instance',
      id: instance.id,
      set: { state: 'stopped', desired, reserved: disk, held: disk, effective: disk, ...more },
    },
    usageChange(instance, more.planId ?? instance.planId, disk, clock.now()),
    ...claimChange(ctx, disk),
  ];
}
