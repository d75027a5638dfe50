import type { GuestSpec } from '@bellows/operations/ports/host-driver';
import type { GuestFaults } from './faults.js';
import type { LatencyName } from './latency.js';
import { isUp, memoryAt, memoryBlockMib, settlesAs, valueAt, type Course, type Run } from './model-guest.js';

/** How a running guest moves: what the guest does in its own time once the hypervisor has answered. */
interface Circumstances {
  readonly now: number;
  readonly takes: (name: LatencyName) => number;
  readonly faults: GuestFaults;
}

const bootMs = (image: string, world: Circumstances): number =>
  world.takes(image.includes('micro') ? 'bootMicro' : 'boot');

/** Boots at the floor; the guest plugs the rest just before its agent answers. vCPUs are there from the start. */
export function startedRun(spec: GuestSpec, startedAt: number, world: Circumstances): Run {
  const { vcpus, ramMib } = spec.size;
  const agentReadyAt = world.faults.neverBoots ? null : startedAt + bootMs(spec.image, world);
  return {
    startedAt,
    endsAt: null,
    resetAt: null,
    agentReadyAt,
    requestedRamMib: ramMib,
    memory: bootMemory(spec.floor.ramMib, ramMib, startedAt, agentReadyAt, world),
    pluggedVcpus: [[startedAt, vcpus]],
    onlineVcpus: [[startedAt, vcpus]],
  };
}

function bootMemory(
  floorMib: number,
  askedMib: number,
  startedAt: number,
  readyAt: number | null,
  world: Circumstances,
): Course {
  if (readyAt === null || floorMib === askedMib) return [[startedAt, floorMib]];
  const growsFrom = Math.max(startedAt, readyAt - world.takes('memoryGrow'));
  return [
    [startedAt, floorMib],
    [growsFrom, floorMib],
    [readyAt, askedMib],
  ];
}

/** A reboot from within: virtio-mem starts over, and CPUs that were offlined come back (seen on 6.1 guests). */
export function resetRun(run: Run, image: string, floorMib: number, world: Circumstances): Run {
  const { now } = world;
  const agentReadyAt = world.faults.neverBoots ? null : now + bootMs(image, world);
  return {
    ...run,
    resetAt: now,
    agentReadyAt,
    memory: bootMemory(floorMib, run.requestedRamMib, now, agentReadyAt, world),
    onlineVcpus: [[now, settlesAs(run.pluggedVcpus)]],
  };
}

/** virtio-mem towards `ramMib` from `at` on; a guest that refuses gives back only its share, and the rest later. */
export function shrinkOrGrow(run: Run, ramMib: number, at: number, world: Circumstances): Run {
  const current = memoryAt(run.memory, at);
  // Before the kernel is up nothing can move; what it finds requested then, it takes then.
  const from = Math.max(at, run.agentReadyAt ?? Infinity);
  return { ...run, requestedRamMib: ramMib, memory: memoryCourse(run.memory, current, ramMib, from, world) };
}

function memoryCourse(
  before: Course,
  current: number,
  asked: number,
  from: number,
  world: Circumstances,
): Course {
  if (from === Infinity) return before;
  if (asked >= current) return moving(world.now, current, from, asked, world.takes('memoryGrow'));
  const gives = world.faults.givesBack ?? 1;
  const kept = current - Math.floor(((current - asked) * gives) / memoryBlockMib) * memoryBlockMib;
  const course = moving(world.now, current, from, kept, world.takes('memoryShrink'));
  const letsGoAfterMs = world.faults.letsGoAfterMs ?? null;
  if (kept === asked || letsGoAfterMs === null) return course;
  const letsGoAt = Math.max(course.at(-1)![0], from + letsGoAfterMs);
  return [...course, [letsGoAt, kept], [letsGoAt + world.takes('memoryShrink'), asked]];
}

const moving = (now: number, value: number, from: number, to: number, takesMs: number): Course => [
  [now, value],
  [from, value],
  [from + takesMs, to],
];

/** A guest that kept memory back does so no more: it moves to what was asked of it. */
export function letGo(run: Run, world: Circumstances): Run {
  if (run.agentReadyAt === null || settlesAs(run.memory) === run.requestedRamMib) return run;
  return shrinkOrGrow(run, run.requestedRamMib, world.now, { ...world, faults: {} });
}

/**
 * vCPUs are plugged up, and never unplugged: device unplug is broken under TCG and plugging again kills QEMU 7.2.
 * Down, and up again to what is plugged, is the guest's favour, asked through its agent.
 */
export function withVcpus(run: Run, count: number, at: number, world: Circumstances): Run {
  const plugged = settlesAs(run.pluggedVcpus);
  if (settlesAs(run.onlineVcpus) === count && plugged >= count) return run;
  const online = valueAt(run.onlineVcpus, at);
  const step = (onlineAt: number): Course => [
    [world.now, online],
    [onlineAt, online],
    [onlineAt, count],
  ];
  if (count > plugged) {
    // The guest's udev rule brings new CPUs online by itself, once it has booted.
    const pluggedVcpus: Course = [[at, count]];
    if (run.agentReadyAt === null) return { ...run, pluggedVcpus };
    const onlineVcpus = step(Math.max(at, run.agentReadyAt) + world.takes('vcpuOnline'));
    return { ...run, pluggedVcpus, onlineVcpus };
  }
  if (world.faults.agent === 'silent' || !isUp(run, at)) return run;
  return { ...run, onlineVcpus: step(at + world.takes('vcpuOffline')) };
}
