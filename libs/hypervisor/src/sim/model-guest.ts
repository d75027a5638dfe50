import type { Size } from '@bellows/domain/size';
import type {
  GuestNic,
  GuestObservation,
  GuestPower,
  GuestReport,
} from '@bellows/operations/ports/host-driver';
import type { GuestFaults } from './faults.js';

/**
 * A quantity over time: straight lines between points `[ms since the epoch, value]`, constant outside them; two
 * points at one time are a step. The future is written down when a request is taken, so that state is a function
 * of (record, now): thousands of guests need no timers, and a restarted fleet carries on where time has got to.
 */
export type Course = readonly (readonly [atMs: number, value: number])[];

/** virtio-mem plugs whole blocks of 2 MiB. */
export const memoryBlockMib = 2;

/** One power cycle of a guest. */
export interface Run {
  /** When the hypervisor runs it; in the future while the create call is under way. */
  readonly startedAt: number;
  /** When QEMU is gone; null while nobody has asked for it. */
  readonly endsAt: number | null;
  /** Last reboot from within; null when there was none. */
  readonly resetAt: number | null;
  /** When the agent answers; null for a boot that never finishes. */
  readonly agentReadyAt: number | null;
  /** What was asked of virtio-mem, plus boot memory. */
  readonly requestedRamMib: number;
  /** Boot memory plus virtio-mem `current`. */
  readonly memory: Course;
  readonly pluggedVcpus: Course;
  readonly onlineVcpus: Course;
}

export interface ModelGuest {
  /** Null for a guest that Bellows did not make. */
  readonly controllerId: string | null;
  readonly fence: number;
  readonly image: string;
  readonly hostname: string;
  readonly diskFormat: 'raw' | 'qcow2';
  readonly nic: GuestNic | null;
  readonly floor: { readonly vcpus: number; readonly ramMib: number };
  readonly ceiling: { readonly vcpus: number; readonly ramMib: number };
  readonly diskGib: number;
  /** False while there are only volumes. */
  readonly defined: boolean;
  readonly limits: { readonly vcpus: number; readonly ramMib: number };
  readonly run: Run | null;
  /** The hypervisor works on one verb of a guest at a time. */
  readonly busyUntil: number;
  /** From then on there is no such guest. */
  readonly absentAt: number | null;
  /** How often chance was asked on its behalf. */
  readonly draws: number;
}

export function valueAt(course: Course, now: number): number {
  let i = course.length - 1;
  while (i > 0 && course[i]![0] > now) i--;
  const [fromAt, from] = course[i]!;
  const next = course[i + 1];
  if (!next || now <= fromAt) return from;
  return from + ((next[1] - from) * (now - fromAt)) / (next[0] - fromAt);
}

/** Memory moves in whole blocks: a rising value is not yet there, a falling one is still there. */
export function memoryAt(course: Course, now: number): number {
  const exact = valueAt(course, now);
  const rising = exact <= course.at(-1)![1];
  return (rising ? Math.floor(exact / memoryBlockMib) : Math.ceil(exact / memoryBlockMib)) * memoryBlockMib;
}

export const settledAt = (course: Course): number => course.at(-1)![0];
export const settlesAs = (course: Course): number => course.at(-1)![1];

export const isThere = (guest: ModelGuest | undefined | null, now: number): guest is ModelGuest =>
  guest !== undefined && guest !== null && (guest.absentAt === null || guest.absentAt > now);

/** The power cycle in which the guest is at that time, or null while it is off. */
export function runAt(guest: ModelGuest, now: number): Run | null {
  const { run } = guest;
  return run && run.startedAt <= now && (run.endsAt === null || run.endsAt > now) ? run : null;
}

export function powerAt(guest: ModelGuest | null | undefined, now: number): GuestPower {
  if (!isThere(guest, now) || !guest.defined) return 'absent';
  return runAt(guest, now) ? 'running' : 'stopped';
}

/** The operating system is up, and would answer its agent and its power button. */
export const isUp = (run: Run, now: number): boolean => run.agentReadyAt !== null && run.agentReadyAt <= now;

const absent: GuestObservation = {
  power: 'absent',
  fence: null,
  held: { vcpus: 0, ramMib: 0, diskGib: 0 },
  plugged: { vcpus: 0, ramMib: 0 },
  requestedRamMib: 0,
  guest: null,
};

/** @param askGuest whether to include what the agent says. */
export function observe(
  guest: ModelGuest | null | undefined,
  now: number,
  askGuest: boolean,
  faults: GuestFaults,
): GuestObservation {
  if (!isThere(guest, now) || !guest.defined) return absent;
  const run = runAt(guest, now);
  if (!run) return { ...absent, power: 'stopped', fence: guest.fence, held: heldBy(guest, now) };
  return {
    power: 'running',
    fence: guest.fence,
    held: heldBy(guest, now),
    plugged: { vcpus: valueAt(run.pluggedVcpus, now), ramMib: memoryAt(run.memory, now) },
    requestedRamMib: run.requestedRamMib,
    guest: askGuest ? agentSays(run, now, faults) : null,
  };
}

/** What the host gives it: nothing but its disk while it is off. */
export function heldBy(guest: ModelGuest, now: number): Size {
  const limits = runAt(guest, now) ? guest.limits : { vcpus: 0, ramMib: 0 };
  return { ...limits, diskGib: guest.diskGib };
}

function agentSays(run: Run, now: number, faults: GuestFaults): GuestReport | null {
  if (faults.agent === 'silent' || !isUp(run, now)) return null;
  if (faults.agent) return faults.agent;
  return { vcpus: valueAt(run.onlineVcpus, now), ramMib: memoryAt(run.memory, now) };
}
