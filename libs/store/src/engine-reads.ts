import type { InstanceId } from '@bellows/domain/ids';
import type { Engine } from '@bellows/operations/ports/engine';
import type { EpochMs, Instance } from '@bellows/operations/ports/rows';
import type { Session, Sql } from './db.js';
import { engines, instances } from './rows/mappings.js';

const byIds: Sql = {
  name: 'engines-by-id',
  text: `SELECT ${engines.list} FROM engine WHERE instance_id = ANY ($1::text[])`,
};
export async function readEngines(session: Session, ids: readonly InstanceId[]): Promise<Engine[]> {
  return (await session.rows(byIds, [ids])).map(engines.item);
}

/** What was heard of a guest that does not run says nothing of its next run. */
const forget: Sql = {
  name: 'engines-forget',
  text: `DELETE FROM engine AS e USING instance AS i
          WHERE i.id = e.instance_id AND i.state NOT IN ('running', 'migrating')`,
};
const due: Sql = {
  name: 'engines-due',
  text: `
    SELECT i.* FROM instance AS i LEFT JOIN engine AS e ON e.instance_id = i.id
     WHERE i.state = 'running' AND i.deleted_at IS NULL
       AND (e.instance_id IS NULL OR e.seen_at < i.updated_at
            OR e.seen_at < $1::bigint - CASE WHEN e.state = 'starting' THEN 3000 ELSE 60000 END)
     ORDER BY COALESCE(e.seen_at, 0), i.updated_at DESC LIMIT $2`,
};
export async function readEnginesDue(
  session: Session,
  now: EpochMs,
  limit: number,
): Promise<{ instance: Instance; engine: Engine | null }[]> {
  await session.rows(forget);
  const found = (await session.rows(due, [now, limit])).map(instances.item);
  const known = new Map(
    (
      await readEngines(
        session,
        found.map(({ id }) => id),
      )
    ).map((one) => [one.instanceId, one]),
  );
  return found.map((instance) => ({ instance, engine: known.get(instance.id) ?? null }));
}

const put: Sql = {
  name: 'engines-put',
  text: `
    INSERT INTO engine (${engines.list}) SELECT ${engines.list}
      FROM json_populate_recordset(NULL::engine, $1::json) ORDER BY instance_id
    ON CONFLICT (instance_id) DO UPDATE
      SET state = EXCLUDED.state, version = EXCLUDED.version, seen_at = EXCLUDED.seen_at`,
};
export async function putEngines(session: Session, seen: readonly Engine[]): Promise<void> {
  await session.rows(put, [JSON.stringify(seen.map(engines.row))]);
}
