import { isLive } from '@bellows/domain/lifecycle';
import type { OperationId } from '@bellows/domain/ids';
import { refuse, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Operation } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { sagas } from '../sagas.js';
import { lacksRole, nothingThere, sees } from '../views/visible.js';

/** Asks the saga to turn round before its next step; refused past its point of no return. */
export async function cancelOperation(
  cloud: Cloud,
  ask: Ask,
  id: OperationId,
  answer: Answer<Operation>,
): Promise<StoredAnswer | Refusal> {
  const kept = await replay(cloud.store, ask.idempotency);
  if (kept) return kept;
  const operation = await cloud.store.operation(id);
  if (!operation || !sees(ask.principal, operation.projectId)) return nothingThere('operation');
  const refused = lacksRole(ask.principal, 'member');
  if (refused) return refused;
  if (!isLive(operation.state))
    return refuse('wrong-state', `The operation has ended: ${operation.state}.`, { state: operation.state });
  if (pastPivot(operation))
    return refuse('wrong-state', 'The operation cannot be turned round any more.', {
      state: operation.state,
    });
  const at = cloud.clock.now();
  const result = await mutate(
    cloud,
    ask,
    [{ change: 'request-cancel', id, dueAt: at }],
    auditOf(ask, 'operation.cancel', id, operation.projectId, at),
    answer({ ...operation, cancelRequested: true }),
  );
  void cloud.queue.ring([id]).catch(() => undefined);
  return result;
}

const pastPivot = (operation: Operation): boolean =>
  sagas[operation.kind]
    .steps(operation.plan)
    .some(
      (step, at) =>
        step.pivot && operation.steps[at] !== undefined && operation.steps[at].state !== 'pending',
    );
