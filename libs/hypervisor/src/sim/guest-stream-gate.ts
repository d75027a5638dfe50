import { GuestUnreachableError } from '@bellows/operations/ports/guest-stream';
import { runAt } from './model-guest.js';
import type { SimFleet } from './sim-fleet.js';

/** What a real host would wait for a guest that has not booted yet. */
const helloMs = 5_000;

/**
 * Whether the modelled guest takes a stream, and from when on.
 * @throws GuestUnreachableError 'not-running' or 'silent'; HostUnreachableError while the host is dead
 */
export function guestStreamGate(fleet: SimFleet, host: string, instanceId: string, now: number): number {
  const { power } = fleet.observeGuest(host, instanceId, false, now);
  const guest = fleet.guest(host, instanceId);
  const run = guest && runAt(guest, now);
  if (power !== 'running' || !run) {
    throw new GuestUnreachableError('not-running', `instance ${instanceId} is not running`);
  }
  const upAt = run.agentReadyAt ?? Infinity;
  if (upAt > now + helloMs) {
    throw new GuestUnreachableError('silent', `instance ${instanceId} has not booted`);
  }
  return Math.max(now, upAt);
}
