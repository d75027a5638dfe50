import type { OperationId } from '@bellows/domain/ids';
import type { OperationKind } from '@bellows/domain/lifecycle';
import type { EpochMs, OperationStep } from '@bellows/operations/ports/rows';
import type { LeasedOperation } from '@bellows/operations/ports/store';
import { nowMs } from './changes/instance.js';
import { live } from './changes/operation.js';
import type { Row, Session, Sql } from './db.js';
import { hosts, instances, operations } from './rows/mappings.js';

/** A delete waits until it is the only live operation of its instance. */
const deleteMustWait = `
  operation.kind = 'instance.delete' AND EXISTS (
    SELECT 1 FROM operation AS other
     WHERE other.instance_id = operation.instance_id AND other.id <> operation.id
       AND other.state IN ('pending', 'running') AND other.kind <> 'instance.delete')`;

/** Rows are locked in the order of their ids, so that two workers cannot wait for each other in a ring. */
const take: Sql = {
  name: 'lease-take',
  text: `
    WITH ask AS MATERIALIZED (
           SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::jsonb[])
                      AS a (id, owner, lease_ms, known)),
         locked AS MATERIALIZED (
           SELECT id FROM operation WHERE id = ANY ($1::text[]) AND finished_at IS NULL ORDER BY id FOR NO KEY UPDATE),
         taken AS (
           UPDATE operation
              SET state = 'running', lease_owner = ask.owner, lease_until = ${nowMs} + ask.lease_ms,
                  fence = nextval('fence_token'), attempt = attempt + 1,
                  started_at = COALESCE(started_at, ${nowMs})
             FROM ask JOIN locked USING (id)
            WHERE operation.id = ask.id AND finished_at IS NULL AND (lease_until IS NULL OR lease_until <= ${nowMs})
              AND COALESCE(ask.known -> kind @> to_jsonb(saga_version), false)
              AND NOT (${deleteMustWait})
           RETURNING operation.*)
    SELECT ${operations.columns.map((column) => `taken.${column}`).join(', ')}, lease_until,
           to_json(instance) AS its_instance, to_json(host) AS its_host
      FROM taken JOIN instance ON instance.id = taken.instance_id JOIN host ON host.id = taken.host_id`,
};

export type KnownSagas = Readonly<Partial<Record<OperationKind, readonly number[]>>>;

export interface LeaseAsk {
  readonly id: OperationId;
  readonly owner: string;
  readonly leaseMs: number;
  readonly known: KnownSagas;
}

/** One answer an ask; when an operation is asked for twice, the first has it. */
export async function takeLeases(
  session: Session,
  asks: readonly LeaseAsk[],
): Promise<(LeasedOperation | null)[]> {
  const first = new Map<OperationId, LeaseAsk>();
  for (const ask of asks) if (!first.has(ask.id)) first.set(ask.id, ask);
  const wanted = [...first.values()];
  const rows = await session.rows<Row>(take, [
    wanted.map(({ id }) => id),
    wanted.map(({ owner }) => owner),
    wanted.map(({ leaseMs }) => leaseMs),
    wanted.map(({ known }) => JSON.stringify(known)),
  ]);
  const taken = new Map(rows.map((row) => [row.id, leasedOf(row)]));
  return asks.map((ask) => (first.get(ask.id) === ask ? (taken.get(ask.id) ?? null) : null));
}

const leasedOf = (row: Row): LeasedOperation => ({
  operation: operations.item(row),
  instance: instances.item(row.its_instance as Row),
  host: hosts.item(row.its_host as Row),
  leaseUntil: row.lease_until as EpochMs,
});

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
  text: `UPDATE operation SET steps = ask.steps
           FROM unnest($1::text[], $2::bigint[], $3::jsonb[]) AS ask (id, fence, steps),
                (SELECT set_config('synchronous_commit', 'off', true)) AS unsynced
          WHERE operation.id = ask.id AND operation.fence = ask.fence AND finished_at IS NULL
          RETURNING operation.id, operation.fence`,
};

export interface StepsAsk {
  readonly id: OperationId;
  readonly fence: number;
  readonly steps: readonly OperationStep[];
}

/** One answer an ask, each for another operation. */
export async function recordSteps(session: Session, asks: readonly StepsAsk[]): Promise<boolean[]> {
  const inOrder = [...asks].sort((a, b) => (a.id < b.id ? -1 : 1));
  const rows = await session.rows<{ id: OperationId; fence: number }>(record, [
    inOrder.map(({ id }) => id),
    inOrder.map(({ fence }) => fence),
    inOrder.map(({ steps }) => JSON.stringify(steps)),
  ]);
  const kept = new Map(rows.map(({ id, fence }) => [id, fence]));
  return asks.map(({ id, fence }) => kept.get(id) === fence);
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
