import { allows, type InstanceAction } from '@bellows/domain/lifecycle';
import type { InstanceId, OperationId } from '@bellows/domain/ids';
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
/** How long a request waits for the cloud's own settling of the instance, and how often it looks. */
const settleWaitMs = 15_000;
const settleLookMs = 150;

/**
 * Decides again when the row changed between reading and writing (a client that named a version in If-Match is told
 * instead), and when only the cloud's own settling is in the way: that is no reason to refuse an owner.
 */
export async function untilStable(
  cloud: Cloud,
  ifMatch: number | null,
  decide: () => Promise<StoredAnswer | Refusal>,
): Promise<StoredAnswer | Refusal> {
  const patience = cloud.clock.now() + settleWaitMs;
  for (let tries = 1; ;) {
    const result = await decide();
    if (!isRefusal(result)) return result;
    if (result.refused === 'busy' && cloud.clock.now() < patience && (await isSettling(cloud, result))) {
      await cloud.clock.sleep(settleLookMs);
      continue;
    }
    const moved = result.refused === 'precondition' && ifMatch === null;
    if (!moved || tries++ === mostTries) return result;
  }
}

async function isSettling(cloud: Cloud, { params }: Refusal): Promise<boolean> {
  const operation = await cloud.store.operation(params?.['operationId'] as OperationId);
  return operation?.kind === 'instance.settle';
}
