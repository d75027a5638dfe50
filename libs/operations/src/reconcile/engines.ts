import type { Cloud } from '../cloud.js';
import type { AskEngine, Engine } from '../ports/engine.js';
import type { EpochMs, Instance } from '../ports/rows.js';

/** A guest boots in seconds or, emulated, in a minute; its engine follows. */
const startsWithinMs = 3 * 60_000;
const atOnce = 16;

/** What to remember when a guest's engine was asked. */
export function engineSeen(
  instance: Pick<Instance, 'id' | 'updatedAt'>,
  before: Engine | null,
  version: string | null,
  now: EpochMs,
): Engine {
  const seen = { instanceId: instance.id, seenAt: now };
  if (version !== null) return { ...seen, state: 'ready', version };
  const known = before?.version ?? null;
  const starting = before?.state !== 'failed' && now - instance.updatedAt < startsWithinMs;
  if (starting) return { ...seen, state: 'starting', version: known };
  // One that never spoke is not there, as far as anybody can tell.
  return { ...seen, state: known === null ? 'absent' : 'failed', version: known };
}

/** One round: asks the engines of instances that changed lately, that start, or that were not asked for a while. */
export async function askEngines({ store, clock }: Cloud, ask: AskEngine): Promise<void> {
  const due = await store.enginesDue(clock.now(), atOnce);
  const seen = await Promise.all(
    due.map(async ({ instance, engine }) => {
      const host = await store.host(instance.hostId);
      const version = host && (await ask(host, instance.id));
      return engineSeen(instance, engine, version, clock.now());
    }),
  );
  if (seen.length > 0) await store.recordEngines(seen);
}
