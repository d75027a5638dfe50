import type { Cloud } from '@bellows/operations/cloud';
import type { AskEngine } from '@bellows/operations/ports/engine';
import { askEngines } from '@bellows/operations/reconcile/engines';
import { observeHosts } from '@bellows/operations/reconcile/hosts';
import { settleOnce } from '@bellows/operations/reconcile/settle';
import { sweepOnce } from '@bellows/operations/reconcile/sweep';
import type { Logger } from 'pino';
import type { Recurring } from './recurring.js';

const second = 1000;
const hour = 3600 * second;
/** Rings. Above this the queue itself is the backlog: ringing again would only make it longer. */
const crowdedQueue = 20;
/** A ring that is on its way is not lost yet. */
const ringGraceMs = 2 * second;
const eventBatch = 1000;
const keptAnswersMs = 24 * hour;
const keptEventsMs = 7 * 24 * hour;

/**
 * What a worker does of its own accord. Any number of workers may do it at once.
 * @param ask null where no gateway leads into guests.
 */
export function roundsOf(cloud: Cloud, logger: Logger, ask: AskEngine | null): Recurring[] {
  return [
    { name: 'sweep', everyMs: second, round: () => sweep(cloud) },
    { name: 'settle', everyMs: 10 * second, round: async () => void (await settleOnce(cloud)) },
    {
      name: 'observe-hosts',
      everyMs: 15 * second,
      round: () =>
        observeHosts(cloud, (host, error) =>
          logger.warn({ hostId: host.id, err: error }, 'a host could not be observed'),
        ),
    },
    {
      name: 'sequence-events',
      everyMs: second / 4,
      round: async () => (await cloud.store.sequenceEvents(eventBatch)) >= eventBatch,
    },
    ...(ask ? [{ name: 'ask-engines', everyMs: 3 * second, round: () => askEngines(cloud, ask) }] : []),
    { name: 'prune', everyMs: hour / 6, round: () => prune(cloud) },
  ];
}

async function sweep(cloud: Cloud): Promise<void> {
  const depth = await cloud.queue.depth();
  if (depth !== null && depth >= crowdedQueue) return;
  const clock = { ...cloud.clock, now: () => cloud.clock.now() - ringGraceMs };
  await sweepOnce({ ...cloud, clock });
}

function prune(cloud: Cloud): Promise<void> {
  const now = cloud.clock.now();
  return cloud.store.prune({ answers: now - keptAnswersMs, events: now - keptEventsMs });
}
