import type { OperationId } from '@bellows/domain/ids';
import { LookAgain, Refused, refuse } from '../db-errors.js';
import type { Session, Sql } from '../db.js';
import { operations } from '../rows/mappings.js';
import type { Apply, ApplyAll } from './kinds.js';

export const live = `state IN ('pending', 'running')`;
export const endedChannel = 'bellows_operation_ended';

const insert: Sql = {
  name: 'operation-insert',
  text: `
    INSERT INTO operation (${operations.list})
    SELECT ${operations.list} FROM json_populate_recordset(NULL::operation, $1::json) AS new
     WHERE new.kind = 'instance.delete' OR NOT EXISTS (
       SELECT 1 FROM operation o
        WHERE o.instance_id = new.instance_id AND o.kind = 'instance.delete' AND o.state IN ('pending', 'running'))
    ON CONFLICT DO NOTHING
    RETURNING id`,
};
/** What stands in the way; for a delete only another delete does. */
const inTheWay: Sql = {
  name: 'operation-in-the-way',
  text: `
    SELECT id FROM operation
     WHERE instance_id = $1 AND ${live} AND ($2::text <> 'instance.delete' OR kind = 'instance.delete')
     ORDER BY kind = 'instance.delete' LIMIT 1`,
};
const exists: Sql = { name: 'operation-exists', text: 'SELECT state, fence FROM operation WHERE id = $1' };

export const insertOperation: Apply<'insert-operation'> = async (session, { operation }) => {
  const rows = await session.rows(insert, [JSON.stringify([operations.row(operation)])]);
  if (rows.length > 0) return;
  const [other] = await session.rows<{ id: OperationId }>(inTheWay, [operation.instanceId, operation.kind]);
  if (other && other.id !== operation.id) throw new Refused({ why: 'busy', operationId: other.id });
  if ((await session.rows(exists, [operation.id])).length > 0) throw refuse('exists');
  throw new LookAgain('the operation in the way ended meanwhile');
};

const finish: Sql = {
  name: 'operation-finish',
  text: `
    WITH ask AS MATERIALIZED (
           SELECT * FROM json_to_recordset($1::json)
                      AS a (id text, fence bigint, state text, steps jsonb, error jsonb, warnings jsonb,
                            confirmed_by text, finished_at bigint)),
         locked AS MATERIALIZED (
           SELECT operation.id FROM operation WHERE id IN (SELECT id FROM ask) ORDER BY id FOR NO KEY UPDATE),
         done AS (
           UPDATE operation AS o
              SET state = ask.state, steps = ask.steps, error = ask.error, warnings = ask.warnings,
                  confirmed_by = ask.confirmed_by, finished_at = ask.finished_at,
                  lease_owner = NULL, lease_until = NULL
             FROM ask JOIN locked USING (id)
            WHERE o.id = ask.id AND o.fence = ask.fence AND o.finished_at IS NULL
           RETURNING o.id)
    SELECT id, pg_notify('${endedChannel}', id) FROM done`,
};

async function whyNot(session: Session, id: OperationId, otherwise: 'fence' | 'state'): Promise<Refused> {
  return refuse((await session.rows(exists, [id])).length > 0 ? otherwise : 'not-found');
}

export const finishOperations: ApplyAll<'finish-operation'> = async (session, changes) => {
  const asks = changes.map(({ id, fence, set }) => ({ id, fence, ...operations.row(set) }));
  const rows = await session.rows<{ id: OperationId }>(finish, [JSON.stringify(asks)]);
  if (rows.length === changes.length) return;
  const done = new Set(rows.map(({ id }) => id));
  throw await whyNot(session, changes.find(({ id }) => !done.has(id))!.id, 'fence');
};

const cancel: Sql = {
  name: 'operation-cancel',
  text: `
    UPDATE operation SET cancel_requested = true, due_at = LEAST(due_at, $2::bigint)
     WHERE id = $1 AND ${live} RETURNING id`,
};

export const requestCancel: Apply<'request-cancel'> = async (session, { id, dueAt }) => {
  if ((await session.rows(cancel, [id, dueAt])).length === 0) throw await whyNot(session, id, 'state');
};
