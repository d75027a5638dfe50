import { looksLikeId, type HostId } from '@bellows/domain/ids';
import type { HostState } from '@bellows/domain/lifecycle';
import { refuse, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, refusalOf, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Host } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole, nothingThere } from '../views/visible.js';
import { whyNotEnrolled } from './enrol.js';

export type HostAction = 'cordon' | 'uncordon';

export async function findHost(cloud: Cloud, id: string): Promise<Host | Refusal> {
  const host = looksLikeId('host', id) ? await cloud.store.host(id as HostId) : null;
  return host ?? nothingThere('host');
}

/** A cordoned host keeps its guests and takes no new ones. Doing it twice is no error. Admins only. */
export async function cordonHost(
  cloud: Cloud,
  ask: Ask,
  id: string,
  action: HostAction,
  answer: Answer<Host>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const host = await findHost(cloud, id);
  if ('refused' in host) return host;
  if (host.state === 'down') return refuse('wrong-state', 'The host is down.', { state: host.state });
  const state: HostState = action === 'cordon' ? 'cordoned' : 'ready';
  const audit = auditOf(ask, `host.${action}`, host.id, null, cloud.clock.now());
  const change = { change: 'update-host', id: host.id, set: { state } } as const;
  return mutate(cloud, ask, [change], audit, answer({ ...host, state }));
}

/** Forgets a host without instances and takes our mark off it. Admins only. */
export async function removeHost(cloud: Cloud, ask: Ask, id: string): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const host = await findHost(cloud, id);
  if ('refused' in host) return host;
  if (host.instances > 0) return refusalOf({ why: 'in-use' });
  // Nothing may be placed on it between taking the mark off and forgetting it.
  const cordoned = await cloud.store.commit([
    { change: 'update-host', id: host.id, set: { state: 'cordoned' } },
  ]);
  if (!cordoned.ok) return refusalOf(cordoned);
  const audit = auditOf(ask, 'host.remove', host.id, null, cloud.clock.now());
  const removed = await mutate(cloud, ask, [{ change: 'delete-host', id: host.id }], audit, {
    status: 204,
    body: null,
  });
  if ('refused' in removed) {
    await cloud.store.commit([{ change: 'update-host', id: host.id, set: { state: host.state } }]);
    return removed;
  }
  return (await releaseMark(cloud, host)) ?? removed;
}

/** The row goes first: a server that is gone for good must not keep its row. Its mark then is the operator's. */
async function releaseMark(cloud: Cloud, host: Host): Promise<Refusal | null> {
  try {
    await cloud.drivers[host.driver]?.ensureReleased(
      { id: host.id, driver: host.driver, uri: host.uri },
      cloud.controllerId,
    );
  } catch (error) {
    whyNotEnrolled(error);
  }
  return null;
}
