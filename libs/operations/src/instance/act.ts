import { claimOf } from '@bellows/domain/host';
import type { InstanceId } from '@bellows/domain/ids';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import { larger, minus } from '@bellows/domain/size';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Instance } from '../ports/rows.js';
import type { Change, StoredAnswer } from '../ports/store.js';
import type { Accepted } from './create.js';
import { newOperation } from './new-instance.js';
import type { PowerPlan } from './power.saga.js';
import { targetOf, untilStable } from './target.js';

type PowerAction = 'start' | 'stop' | 'reboot';

const transient = { start: 'starting', stop: 'stopping', reboot: 'rebooting' } as const;

/** Starts, stops or reboots. A start claims the vCPUs and memory that the stop gave back: `no-room` is possible. */
export function actOnInstance(
  cloud: Cloud,
  ask: Ask,
  id: InstanceId,
  action: PowerAction,
  ifMatch: number | null,
  answer: Answer<Accepted>,
): Promise<StoredAnswer | Refusal> {
  return untilStable(cloud, ifMatch, () => actOnce(cloud, ask, id, action, ifMatch, answer));
}

async function actOnce(
  ...[cloud, ask, id, action, ifMatch, answer]: Parameters<typeof actOnInstance>
): Promise<StoredAnswer | Refusal> {
  const kept = await replay(cloud.store, ask.idempotency);
  if (kept) return kept;
  const instance = await targetOf(cloud, ask, id, action, ifMatch);
  if (isRefusal(instance)) return instance;
  if (action === 'stop' && instance.state === 'error') {
    return refuse('wrong-state', 'It failed; delete it.', { state: instance.state, action });
  }
  const reserved = action === 'start' ? larger(instance.reserved, instance.desired) : instance.reserved;
  const claims = action === 'start' ? await startClaim(cloud, instance, reserved) : [];
  const plan: PowerPlan = { size: instance.desired };
  const operation = newOperation(cloud, ask, instance, `instance.${action}`, plan);
  const changed: Instance = {
    ...instance,
    state: transient[action],
    reserved,
    version: instance.version + 1,
  };
  const changes: Change[] = [
    { change: 'insert-operation', operation },
    {
      change: 'update-instance',
      id,
      expect: { states: [instance.state], version: instance.version },
      set: { state: transient[action], reserved },
    },
    ...claims,
  ];
  return accept(cloud, ask, { instance: changed, operation, changes }, answer);
}

async function startClaim(
  cloud: Cloud,
  instance: Instance,
  reserved: Instance['reserved'],
): Promise<Change[]> {
  const host = await cloud.store.host(instance.hostId);
  const overhead = host?.guestOverheadMib ?? 0;
  const delta = minus(claimOf(reserved, overhead), claimOf(instance.reserved, overhead));
  return [{ change: 'claim-host', hostId: instance.hostId, delta }];
}

/** Deletes it for good. An operation still at work is cancelled, or waited for; asking twice gives the same delete. */
export function deleteInstance(
  cloud: Cloud,
  ask: Ask,
  id: InstanceId,
  ifMatch: number | null,
  answer: Answer<Accepted>,
): Promise<StoredAnswer | Refusal> {
  return untilStable(cloud, ifMatch, () => deleteOnce(cloud, ask, id, ifMatch, answer));
}

async function deleteOnce(
  ...[cloud, ask, id, ifMatch, answer]: Parameters<typeof deleteInstance>
): Promise<StoredAnswer | Refusal> {
  const kept = await replay(cloud.store, ask.idempotency);
  if (kept) return kept;
  const live = await cloud.store.liveOperation(id);
  const instance = await targetOf(cloud, ask, id, 'delete', ifMatch);
  if (isRefusal(instance)) return instance;
  if (live?.kind === 'instance.delete') return answer({ operations: [live], instances: [instance] });
  const plan: PowerPlan = { size: instance.desired };
  const operation = newOperation(cloud, ask, instance, 'instance.delete', plan);
  const changes: Change[] = [
    { change: 'insert-operation', operation },
    { change: 'update-instance', id, expect: { version: instance.version }, set: { state: 'deleting' } },
    ...(live ? [{ change: 'request-cancel', id: live.id, dueAt: cloud.clock.now() } as const] : []),
  ];
  const changed: Instance = { ...instance, state: 'deleting', version: instance.version + 1 };
  return accept(cloud, ask, { instance: changed, operation, changes }, answer);
}

/** Commits an accepted change and rings for its operation. */
export async function accept(
  cloud: Cloud,
  ask: Ask,
  what: { instance: Instance; operation: Accepted['operations'][number]; changes: readonly Change[] },
  answer: Answer<Accepted>,
): Promise<StoredAnswer | Refusal> {
  const { instance, operation, changes } = what;
  const at = operation.createdAt;
  const event = {
    type: `${operation.kind}.accepted`,
    projectId: instance.projectId,
    resource: instance.id,
    data: { operationId: operation.id },
    at,
  };
  const audit = auditOf(ask, operation.kind, instance.id, instance.projectId, at);
  const stored = answer({ operations: [operation], instances: [instance] });
  const result = await mutate(cloud, ask, [...changes, { change: 'event', event }], audit, stored);
  if (result === stored) void cloud.queue.ring([operation.id]).catch(() => undefined);
  return result;
}
