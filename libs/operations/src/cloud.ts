import type { NewId } from '@bellows/domain/ids';
import { refuse, type Refusal } from '@bellows/domain/refusal';
import type { Clock } from './ports/clock.js';
import type { EngineQuestions } from './ports/engine.js';
import type { HostDrivers } from './ports/host-driver.js';
import type { OperationQueue } from './ports/queue.js';
import type { EpochMs, Role } from './ports/rows.js';
import type { ProjectId } from '@bellows/domain/ids';
import type {
  AuditEntry,
  Change,
  CommitRefusal,
  IdempotencyScope,
  Store,
  StoredAnswer,
} from './ports/store.js';

/** What every use case stands on. The API's has drivers only to observe with; workers change hypervisors. */
export interface Cloud {
  readonly store: Store;
  readonly queue: OperationQueue;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly drivers: HostDrivers;
  readonly controllerId: string;
  /** Left out where no gateway leads into guests. */
  readonly engines?: EngineQuestions;
}

/** Who asks. */
export interface Principal {
  /** Token id. */
  readonly actor: string;
  readonly role: Role;
  /** Null for a cloud admin. */
  readonly projectId: ProjectId | null;
}

/** One request: who, under which request id, and the idempotency key it came with. */
export interface Ask {
  readonly principal: Principal;
  readonly requestId: string | null;
  readonly idempotency: IdempotencyScope | null;
}

/** Renders a result as the answer that is sent, and kept beside the idempotency key. */
export type Answer<Result> = (result: Result) => StoredAnswer;

export const auditOf = (
  ask: Ask,
  action: string,
  resource: string,
  projectId: ProjectId | null,
  at: EpochMs,
): AuditEntry => ({
  actor: ask.principal.actor,
  projectId,
  action,
  resource,
  requestId: ask.requestId,
  at,
});

/** The kept answer of a request seen before; a refusal when the key came with another body; else null. */
export async function replay(
  store: Store,
  idempotency: IdempotencyScope | null,
): Promise<StoredAnswer | Refusal | null> {
  if (!idempotency) return null;
  const kept = await store.keptAnswer(idempotency.scope, idempotency.key);
  if (!kept) return null;
  if (kept.requestHash === idempotency.requestHash) return kept.answer;
  return refuse('idempotency-mismatch', 'This Idempotency-Key was used before with another request.');
}

/** Commits the changes of one request with its audit row and its kept answer; the answer, or why not. */
export async function mutate(
  cloud: Cloud,
  ask: Ask,
  changes: readonly Change[],
  audit: AuditEntry,
  answer: StoredAnswer,
): Promise<StoredAnswer | Refusal> {
  const { idempotency } = ask;
  const result = await cloud.store.commit([
    ...changes,
    { change: 'audit', entry: audit },
    ...(idempotency ? [{ change: 'keep-answer', idempotency, answer, at: audit.at } as const] : []),
  ]);
  if (result.ok) return answer;
  return (result.why === 'idempotency' && (await replay(cloud.store, idempotency))) || refusalOf(result);
}

/** The sentence for a commit that was refused. */
export function refusalOf(result: CommitRefusal): Refusal {
  switch (result.why) {
    case 'busy':
      return refuse('busy', `Operation ${result.operationId} is still at work on this instance.`, {
        operationId: result.operationId,
      });
    case 'no-room':
      return refuse('no-room', 'No server has room for this size.');
    case 'no-address':
      return refuse('no-room', 'No address is free in the IP pools of this zone.', { resource: 'address' });
    case 'over-quota':
      return refuse('over-quota', "The project's quota does not allow this.");
    case 'state':
      return refuse('wrong-state', 'The instance has changed its state meanwhile.');
    case 'version':
      return refuse('precondition', 'The resource has changed since the version named in If-Match.');
    case 'exists':
      return refuse('conflict', 'Something with this name or address exists already.');
    case 'in-use':
      return refuse('conflict', 'It is still in use.');
    case 'invalid':
      return refuse('invalid', 'A value cannot be stored.');
    case 'not-found':
      return refuse('not-found', 'There is no such resource.');
    case 'invalid':
      return refuse('invalid', 'A text holds a character that cannot be stored (NUL).');
    case 'fence':
    case 'idempotency':
      return refuse('conflict', 'Another request got there first; try again.');
  }
}
