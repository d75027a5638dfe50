import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Instance } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { targetOf, untilStable } from './target.js';

/** Renames or retags it; the guest's own hostname stays what it was given at first boot. */
export function updateInstance(
  cloud: Cloud,
  ask: Ask,
  id: InstanceId,
  body: Partial<Pick<Instance, 'name' | 'tags'>>,
  ifMatch: number | null,
  answer: Answer<Instance>,
): Promise<StoredAnswer | Refusal> {
  return untilStable(cloud, ifMatch, async () => {
    const kept = await replay(cloud.store, ask.idempotency);
    if (kept) return kept;
    const instance = await targetOf(cloud, ask, id, 'update', ifMatch);
    if (isRefusal(instance)) return instance;
    const set = { name: body.name ?? instance.name, tags: body.tags ?? instance.tags };
    const at = cloud.clock.now();
    return mutate(
      cloud,
      ask,
      [{ change: 'update-instance', id, expect: { version: instance.version }, set }],
      auditOf(ask, 'instance.update', id, instance.projectId, at),
      answer({ ...instance, ...set, version: instance.version + 1, updatedAt: at }),
    );
  });
}
