import type { GuestObservation } from '@bellows/operations/ports/host-driver';

const mostVcpus = 4096;
const mostRamMib = 64 * 1024 * 1024;

const sane = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;

/** What an agent said is hostile input: figures no machine could have are the same as silence. */
export function withSaneReport(observation: GuestObservation): GuestObservation {
  const { guest } = observation;
  if (!guest || (sane(guest.vcpus, mostVcpus) && sane(guest.ramMib, mostRamMib))) return observation;
  return { ...observation, guest: null };
}
