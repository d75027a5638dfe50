import { allows, type InstanceAction } from '@bellows/domain/lifecycle';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import type { Ask, Cloud } from '../cloud.js';
import type { Instance } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole, nothingThere, sees } from '../views/visible.js';

/** The instance as far as the principal may see it. */
export async function seenInstance(cloud: Cloud, ask: Ask, id: InstanceId): Promise<Instance | Refusal> {
  const instance = await cloud.store.instance(id);
  return instance && instance.state !== 'deleted' && sees(ask.principal, instance.projectId)
    ? instance
    : nothingThere('instance');
}

/** The instance, when the principal may change it and its state allows the action. */
export async function targetOf(
  cloud: Cloud,
  ask: Ask,
  id: InstanceId,
  action: InstanceAction,
  ifMatch: number | null,
): Promise<Instance | Refusal> {
  const instance = await seenInstance(cloud, ask, id);
  if (isRefusal(instance)) return instance;
  const refused = lacksRole(ask.principal, 'member');
  if (refused) return refused;
  if (ifMatch !== null && ifMatch !== instance.version) {
    return refuse('precondition', 'The instance has changed since the version named in If-Match.', {
      version: instance.version,
    });
  }
  if (allows(action, instance.state)) return instance;
  const live = await cloud.store.liveOperation(id);
  if (live) return busy(live.id);
  return refuse('wrong-state', `An instance that is ${instance.state} cannot be asked to ${action}.`, {
    state: instance.state,
    action,
  });
}

export const busy = (operationId: string): Refusal =>
  refuse('busy', `Operation ${operationId} is still at work on this instance.`, { operationId });

const mostTries = 5;

/**
 * Decides again when the row changed between reading and writing. A client that named a version in If-Match is
 * told instead.
 */
export async function untilStable(
  ifMatch: number | null,
  decide: () => Promise<StoredAnswer | Refusal>,
): Promise<StoredAnswer | Refusal> {
  for (let tries = 1; ; tries++) {
    const result = await decide();
    const moved = isRefusal(result) && result.refused === 'precondition' && ifMatch === null;
    if (!moved || tries === mostTries) return result;
  }
}
