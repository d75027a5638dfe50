import {
  DeadlineError,
  ForeignOwnerError,
  HypervisorRefusedError,
  StaleFenceError,
} from '@bellows/operations/ports/driver-errors';
import type { Fence, GuestSpec } from '@bellows/operations/ports/host-driver';
import type { GuestFaults } from './faults.js';
import type { LatencyName } from './latency.js';
import { shrinkOrGrow, startedRun, withVcpus } from './guest-runs.js';
import { isThere, isUp, memoryBlockMib, runAt, settlesAs, type ModelGuest, type Run } from './model-guest.js';

/** A verb of the port with what it is given, host and fence apart. */
export type GuestVerb =
  | { readonly verb: 'ensureVolumes'; readonly spec: GuestSpec }
  | { readonly verb: 'ensureStarted'; readonly spec: GuestSpec }
  | { readonly verb: 'ensureStopped'; readonly graceMs: number }
  | { readonly verb: 'ensureAbsent' }
  | { readonly verb: 'ensureLimits'; readonly limits: { readonly vcpus: number; readonly ramMib: number } }
  | { readonly verb: 'ensureMemory'; readonly ramMib: number }
  | { readonly verb: 'ensureVcpus'; readonly vcpus: number }
  | { readonly verb: 'ensureDiskGib'; readonly diskGib: number };

export type GuestVerbName = GuestVerb['verb'];

/** What a verb needs to know of the world: time, how long things take, what is wrong, what images there are. */
export interface Circumstances {
  readonly now: number;
  /** Draws how long that takes, in ms. */
  readonly takes: (name: LatencyName) => number;
  readonly faults: GuestFaults;
  readonly images: readonly string[];
}

export interface Effect {
  /** The very guest that was given when nothing changed; null when there is none and none was made. */
  readonly guest: ModelGuest | null;
  /** When the verb has taken effect and is answered. */
  readonly effectAt: number;
}

/**
 * One verb on one guest: the guest after it, or a `driver-errors` refusal that leaves everything as it was.
 *
 *     absent ─volumes─► (volumes) ─started─► running ─stopped─► stopped ─started─► running
 *        ▲                  │                   │                  │
 *        └─────absent───────┴───────────────────┴──────────────────┘
 */
export function applyVerb(
  given: ModelGuest | null,
  fence: Fence,
  verb: GuestVerb,
  world: Circumstances,
): Effect {
  const now = world.now;
  if (isThere(given, now)) {
    if (given.controllerId !== fence.controllerId) {
      throw new ForeignOwnerError(
        `guest ${fence.instanceId} belongs to ${given.controllerId ?? 'nobody we know'}`,
      );
    }
    if (fence.token < given.fence) {
      throw new StaleFenceError(
        `guest ${fence.instanceId} carries fence ${given.fence}, the call ${fence.token}`,
      );
    }
  }
  if (now >= fence.deadline) throw new DeadlineError(`${verb.verb}: the deadline has passed`);
  const from = Math.max(now, given?.busyUntil ?? now);
  const effect = carryOut(isThere(given, from) ? given : null, fence, verb, { ...world, now: from });
  if (effect.effectAt > fence.deadline) {
    throw new DeadlineError(
      `${verb.verb} would take effect ${Math.ceil(effect.effectAt - fence.deadline)} ms late`,
    );
  }
  if (!effect.guest) return effect;
  return { ...effect, guest: { ...effect.guest, fence: fence.token, busyUntil: effect.effectAt } };
}

function carryOut(guest: ModelGuest | null, fence: Fence, verb: GuestVerb, world: Circumstances): Effect {
  switch (verb.verb) {
    case 'ensureVolumes':
      return volumes(guest, fence, verb.spec, world);
    case 'ensureStarted':
      return started(existing(guest, fence), fence, verb.spec, world);
    case 'ensureStopped':
      return stopped(guest, fence, verb.graceMs, world);
    case 'ensureAbsent':
      return absent(guest, world);
    case 'ensureLimits':
      return limits(running(guest, fence, world.now).guest, verb.limits, world);
    case 'ensureMemory':
      return memory(running(guest, fence, world.now), verb.ramMib, world);
    case 'ensureVcpus':
      return vcpus(running(guest, fence, world.now), verb.vcpus, world);
    case 'ensureDiskGib':
      return disk(existing(guest, fence), verb.diskGib, world);
  }
}

const unchanged = (guest: ModelGuest | null, world: Circumstances): Effect => ({
  guest,
  effectAt: world.now + world.takes('lookup'),
});

function existing(guest: ModelGuest | null, fence: Fence): ModelGuest {
  if (!guest) throw new HypervisorRefusedError(`there is no guest ${fence.instanceId}`);
  return guest;
}

function running(guest: ModelGuest | null, fence: Fence, now: number): { guest: ModelGuest; run: Run } {
  const there = existing(guest, fence);
  const run = runAt(there, now);
  if (!run) throw new HypervisorRefusedError(`guest ${fence.instanceId} is not running`);
  return { guest: there, run };
}

function within(value: number, low: number, high: number, what: string): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw new HypervisorRefusedError(`${what} ${value} is not between ${low} and ${high}`);
  }
}

function memoryWithin(ramMib: number, { floor, ceiling }: Pick<GuestSpec, 'floor' | 'ceiling'>): void {
  within(ramMib, floor.ramMib, ceiling.ramMib, 'ramMib');
  if ((ramMib - floor.ramMib) % memoryBlockMib !== 0) {
    throw new HypervisorRefusedError(
      `ramMib ${ramMib} is not whole blocks of ${memoryBlockMib} MiB above the floor`,
    );
  }
}

function volumes(guest: ModelGuest | null, fence: Fence, spec: GuestSpec, world: Circumstances): Effect {
  if (guest) return unchanged(guest, world);
  if (!world.images.includes(spec.image)) throw new HypervisorRefusedError(`there is no image ${spec.image}`);
  within(spec.size.diskGib, 1, 65_536, 'diskGib');
  return {
    guest: {
      ...definition(spec),
      controllerId: fence.controllerId,
      fence: fence.token,
      diskGib: spec.size.diskGib,
      defined: false,
      limits: { vcpus: 0, ramMib: 0 },
      run: null,
      busyUntil: 0,
      absentAt: null,
      draws: 0,
    },
    effectAt: world.now + world.takes('volumes'),
  };
}

const definition = ({ image, hostname, diskFormat, nic, floor, ceiling }: GuestSpec) =>
  ({ image, hostname, diskFormat, nic, floor, ceiling }) as const;

function started(guest: ModelGuest, fence: Fence, spec: GuestSpec, world: Circumstances): Effect {
  const { vcpus, ramMib } = spec.size;
  const asked = { vcpus, ramMib };
  if (runAt(guest, world.now)) return limits(guest, asked, world);
  within(vcpus, spec.floor.vcpus, spec.ceiling.vcpus, 'vcpus');
  memoryWithin(ramMib, spec);
  if (spec.image !== guest.image) {
    throw new HypervisorRefusedError(`the disk of ${fence.instanceId} was made from ${guest.image}`);
  }
  const effectAt = world.now + (world.takes('define') + world.takes('create'));
  const run = startedRun(spec, effectAt, world);
  return { guest: { ...guest, ...definition(spec), defined: true, limits: asked, run }, effectAt };
}

function stopped(guest: ModelGuest | null, fence: Fence, graceMs: number, world: Circumstances): Effect {
  const run = guest && runAt(guest, world.now);
  if (!guest || !run) return unchanged(guest, world);
  const destroyMs = world.takes('destroy');
  const plugAt = Math.min(world.now + Math.max(0, graceMs), fence.deadline - destroyMs);
  if (plugAt < world.now) throw new DeadlineError('ensureStopped: no time is left to pull the plug');
  const listens = graceMs > 0 && isUp(run, world.now) && !world.faults.ignoresAcpi;
  const offAt = listens ? world.now + world.takes('shutdown') : Infinity;
  const endsAt = offAt <= plugAt ? offAt : plugAt + destroyMs;
  return { guest: { ...guest, run: { ...run, endsAt } }, effectAt: endsAt };
}

function absent(guest: ModelGuest | null, world: Circumstances): Effect {
  if (!guest) return unchanged(guest, world);
  const run = runAt(guest, world.now);
  const endsAt = world.now + (run ? world.takes('destroy') : 0);
  const absentAt = endsAt + world.takes('remove');
  return { guest: { ...guest, run: run && { ...run, endsAt }, absentAt }, effectAt: absentAt };
}

function limits(guest: ModelGuest, asked: ModelGuest['limits'], world: Circumstances): Effect {
  within(asked.vcpus, 1, guest.ceiling.vcpus, 'vcpus');
  within(asked.ramMib, 1, guest.ceiling.ramMib, 'ramMib');
  if (asked.vcpus === guest.limits.vcpus && asked.ramMib === guest.limits.ramMib)
    return unchanged(guest, world);
  const { vcpus, ramMib } = asked;
  return { guest: { ...guest, limits: { vcpus, ramMib } }, effectAt: world.now + world.takes('limits') };
}

function memory(
  { guest, run }: { guest: ModelGuest; run: Run },
  ramMib: number,
  world: Circumstances,
): Effect {
  memoryWithin(ramMib, guest);
  // Asking twice neither starts the wait again nor gets more out of a guest that refuses.
  if (run.requestedRamMib === ramMib) return unchanged(guest, world);
  const effectAt = world.now + world.takes('memoryCall');
  return { guest: { ...guest, run: shrinkOrGrow(run, ramMib, effectAt, world) }, effectAt };
}

function vcpus({ guest, run }: { guest: ModelGuest; run: Run }, count: number, world: Circumstances): Effect {
  within(count, guest.floor.vcpus, guest.ceiling.vcpus, 'vcpus');
  const plugged = settlesAs(run.pluggedVcpus);
  let effectAt = world.now + world.takes('lookup');
  for (let added = plugged; added < count; added++) effectAt += world.takes('vcpuPlug');
  const after = withVcpus(run, count, effectAt, world);
  return { guest: after === run ? guest : { ...guest, run: after }, effectAt };
}

function disk(guest: ModelGuest, diskGib: number, world: Circumstances): Effect {
  if (diskGib === guest.diskGib) return unchanged(guest, world);
  within(diskGib, guest.diskGib, 65_536, 'a disk only grows: diskGib');
  return { guest: { ...guest, diskGib }, effectAt: world.now + world.takes('diskGrow') };
}
