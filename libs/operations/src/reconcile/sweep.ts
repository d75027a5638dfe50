import type { Cloud } from '../cloud.js';

const mostAtOnce = 500;
/** A ring that is on its way is not lost. */
const patienceMs = 2_000;

/**
 * Rings again for every live operation that is due and that nobody holds: its ring was lost, its worker died, or it
 * was put off. With this, losing the whole queue loses no work.
 */
export async function sweepOnce(cloud: Cloud): Promise<number> {
  const overdue = await cloud.store.overdue(cloud.clock.now() - patienceMs, mostAtOnce);
  if (overdue.length > 0) await cloud.queue.ring(overdue);
  return overdue.length;
}
