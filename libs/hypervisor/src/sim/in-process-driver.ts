import type { Clock } from '@bellows/operations/ports/clock';
import type { Fence, HostDriver, HostRef } from '@bellows/operations/ports/host-driver';
import { withSaneReport } from './agent-report.js';
import { EventAgenda } from './event-agenda.js';
import type { GuestVerb } from './guest-verbs.js';
import { hostName } from './host-uri.js';
import { SimFleet, type Answer } from './sim-fleet.js';

export interface InProcessFleet {
  readonly fleet: SimFleet;
  readonly driver: HostDriver;
}

/** A fleet inside this process, on the given clock (virtual or real), and the driver of its hosts. */
export function inProcessFleet(
  clock: Clock,
  options: { seed?: string; latencyScale?: number } = {},
): InProcessFleet {
  const { seed = 'bellows', latencyScale = 1 } = options;
  const agenda: EventAgenda = new EventAgenda(() => fleet, clock);
  const fleet = new SimFleet({ seed, latencyScale, onEvents: agenda.add });
  return { fleet, driver: inProcessDriver(fleet, clock, agenda) };
}

/** @param agenda must be the one that `fleet` tells its events. */
export function inProcessDriver(fleet: SimFleet, clock: Clock, agenda: EventAgenda): HostDriver {
  const answered = async <Value>(ask: () => Answer<Value>): Promise<Value> => {
    const { value, answerAt } = ask();
    const wait = answerAt - clock.now();
    if (wait > 0) await clock.sleep(wait);
    return value;
  };
  const perform = (host: HostRef, fence: Fence, verb: GuestVerb): Promise<void> =>
    answered(() => fleet.perform(hostName(host), fence, verb, clock.now()));

  return {
    observeHost: (host) => answered(() => fleet.observeHost(hostName(host), clock.now())),
    ensureEnrolled: (host, controller) =>
      answered(() => fleet.ensureEnrolled(hostName(host), controller, clock.now())),
    ensureReleased: (host, controller) =>
      answered(() => fleet.ensureReleased(hostName(host), controller, clock.now())),
    ensureVolumes: (host, fence, spec) => perform(host, fence, { verb: 'ensureVolumes', spec }),
    ensureStarted: (host, fence, spec) => perform(host, fence, { verb: 'ensureStarted', spec }),
    ensureStopped: (host, fence, graceMs) => perform(host, fence, { verb: 'ensureStopped', graceMs }),
    ensureAbsent: (host, fence) => perform(host, fence, { verb: 'ensureAbsent' }),
    ensureLimits: (host, fence, limits) => perform(host, fence, { verb: 'ensureLimits', limits }),
    ensureMemory: (host, fence, ramMib) => perform(host, fence, { verb: 'ensureMemory', ramMib }),
    ensureVcpus: (host, fence, vcpus) => perform(host, fence, { verb: 'ensureVcpus', vcpus }),
    ensureDiskGib: (host, fence, diskGib) => perform(host, fence, { verb: 'ensureDiskGib', diskGib }),
    observeGuest: async (host, id, { askGuest = false } = {}) => {
      const waitMs = fleet.observationMs(askGuest);
      if (waitMs > 0) await clock.sleep(waitMs);
      return withSaneReport(fleet.observeGuest(hostName(host), id, askGuest, clock.now()));
    },
    listGuests: (host) => answered(() => fleet.listGuests(hostName(host), clock.now())),
    watch: (host, listener) => {
      const name = hostName(host);
      return { close: agenda.watch((at, event) => void (at === name && listener(event))) };
    },
    close: async () => undefined,
  };
}
