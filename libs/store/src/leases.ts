import type { OperationId } from '@bellows/domain/ids';
import type { OperationKind } from '@bellows/domain/lifecycle';
import type { EpochMs, OperationStep } from '@bellows/operations/ports/rows';
import type { LeasedOperation } from '@bellows/operations/ports/store';
import { nowMs } from './changes/instance.js';
import { live } from './changes/operation.js';
import type { Session, Sql } from './db.js';
import { operations } from './rows/mappings.js';

/** A delete waits until it is the only live operation of its instance. */
const deleteMustWait = `
  operation.kind = 'instance.delete' AND EXISTS (
    SELECT 1 FROM operation AS other
     WHERE other.instance_id = operation.instance_id AND other.id <> operation.id
       AND other.state IN ('pending', 'running') AND other.kind <> 'instance.delete')`;

const take: Sql = {
  name: 'lease-take',
  text: `
    UPDATE operation
       SET state = 'running', lease_owner = $2, lease_until = ${nowMs} + $3::bigint,
           fence = nextval('fence_token'), attempt = attempt + 1, started_at = COALESCE(started_at, ${nowMs})
     WHERE id = $1 AND ${live} AND (lease_until IS NULL OR lease_until <= ${nowMs})
       AND COALESCE($4::jsonb -> kind @> to_jsonb(saga_version), false)
       AND NOT (${deleteMustWait})
    RETURNING ${operations.list}, lease_until`,
};

export type KnownSagas = Readonly<Partial<Record<OperationKind, readonly number[]>>>;

export async function takeLease(
  session: Session,
  id: OperationId,
  owner: string,
  leaseMs: number,
  known: KnownSagas,
): Promise<LeasedOperation | null> {
  const [row] = await session.rows(take, [id, owner, leaseMs, JSON.stringify(known)]);
  return row ? { operation: operations.item(row), leaseUntil: row.lease_until as EpochMs } : null;
}

/** Held: leased under this fence and not run out, so that a worker that was stopped for long learns it here. */
const held = `id = $1 AND fence = $2 AND state = 'running' AND lease_until > ${nowMs}`;

const renew: Sql = {
  name: 'lease-renew',
  text: `UPDATE operation SET lease_until = ${nowMs} + $3::bigint WHERE ${held}
         RETURNING lease_until, cancel_requested`,
};

export async function renewLease(
  session: Session,
  id: OperationId,
  fence: number,
  leaseMs: number,
): Promise<{ leaseUntil: EpochMs; cancelRequested: boolean } | null> {
  const [row] = await session.rows<{ lease_until: number; cancel_requested: boolean }>(renew, [
    id,
    fence,
    leaseMs,
  ]);
  return row ? { leaseUntil: row.lease_until, cancelRequested: row.cancel_requested } : null;
}

/**
 * Not waited for on the disk: should the database itself crash, a step is done once more, which every step bears.
 * The lease, the fence and the end of an operation are waited for.
 */
const record: Sql = {
  name: 'lease-record',
  text: `UPDATE operation SET steps = $3 FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unsynced
          WHERE id = $1 AND fence = $2 AND state = 'running' RETURNING id`,
};

export async function recordSteps(
  session: Session,
  id: OperationId,
  fence: number,
  steps: readonly OperationStep[],
): Promise<boolean> {
  return (await session.rows(record, [id, fence, JSON.stringify(steps)])).length > 0;
}

const giveBack: Sql = {
  name: 'lease-give-back',
  text: `UPDATE operation SET lease_owner = NULL, lease_until = NULL, due_at = $3
          WHERE id = $1 AND fence = $2 AND ${live}`,
};

export async function releaseLease(
  session: Session,
  id: OperationId,
  fence: number,
  dueAt: EpochMs,
): Promise<void> {
  await session.rows(giveBack, [id, fence, dueAt]);
}

const due: Sql = {
  name: 'lease-overdue',
  text: `
    SELECT id FROM operation
     WHERE ${live} AND due_at <= $1 AND (lease_until IS NULL OR lease_until <= ${nowMs})
       AND NOT (${deleteMustWait})
     ORDER BY due_at LIMIT $2`,
};

export async function overdue(session: Session, now: EpochMs, limit: number): Promise<OperationId[]> {
  return (await session.rows<{ id: OperationId }>(due, [now, limit])).map((row) => row.id);
}
