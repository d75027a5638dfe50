import { setTimeout as sleep } from 'node:timers/promises';
import type { EventAgenda } from '@bellows/hypervisor/sim/event-agenda';

/** setTimeout fires at once for more than 2^31-1 ms. */
const longestMs = 2 ** 31 - 1;

/** The clock of this process, in the shape the model asks for. */
export const realClock: ConstructorParameters<typeof EventAgenda>[1] = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await sleep(Math.min(ms, longestMs), undefined, { signal, ref: false });
  },
};
