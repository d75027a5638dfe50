import type { Instance } from '@bellows/operations/ports/rows';
import { refuse } from '../db-errors.js';
import type { Session, Sql } from '../db.js';
import { instances } from '../rows/mappings.js';
import type { ApplyAll, ChangeOf } from './kinds.js';

/** The database's clock, in milliseconds since the epoch: the one clock all processes share. */
export const nowMs = `floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/** What is being deleted stays so until it is deleted, whatever another operation's end writes. */
const stateOf = `CASE WHEN i.state = 'deleting' AND a.state <> 'deleted' THEN i.state ELSE a.state END`;

/** One prepared statement for each set of columns that is ever written together: a dozen or two in practice. */
const prepared = new Map<string, Sql>();

function updateOf(columns: readonly string[]): Sql {
  const key = columns.join(',');
  let sql = prepared.get(key);
  if (!sql) {
    const sets = columns.map((column) => `${column} = ${column === 'state' ? stateOf : `a.${column}`}`);
    sql = {
      name: `instance-update-${prepared.size}`,
      text: `
        WITH locked AS MATERIALIZED (
          SELECT id FROM instance WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE)
        UPDATE instance AS i
           SET ${[...sets, 'version = i.version + 1', `updated_at = ${nowMs}`].join(', ')}
          FROM json_to_recordset($2::json) AS ask (id text, states jsonb, version integer, set json)
               JOIN locked USING (id),
               LATERAL json_populate_record(NULL::instance, ask.set) AS a
         WHERE i.id = ask.id AND (ask.states IS NULL OR ask.states ? i.state)
           AND (ask.version IS NULL OR i.version = ask.version)
        RETURNING i.id`,
    };
    prepared.set(key, sql);
  }
  return sql;
}

const look: Sql = { name: 'instance-look', text: 'SELECT state, version FROM instance WHERE id = $1' };

/** Each for another instance. */
export const updateInstances: ApplyAll<'update-instance'> = async (session, changes) => {
  const groups = new Map<string, ChangeOf<'update-instance'>[]>();
  for (const change of changes) {
    const columns = instances
      .columnsOf(change.set as Partial<Instance>)
      .sort()
      .join(',');
    groups.set(columns, [...(groups.get(columns) ?? []), change]);
  }
  for (const [columns, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
    await updateGroup(session, columns.split(',').filter(Boolean), group);
};

async function updateGroup(
  session: Session,
  columns: readonly string[],
  group: readonly ChangeOf<'update-instance'>[],
): Promise<void> {
  const asks = group.map(({ id, expect, set }) => ({
    id,
    ...expect,
    set: instances.row(set as Partial<Instance>),
  }));
  const rows = await session.rows<{ id: string }>(updateOf(columns), [
    group.map(({ id }) => id),
    JSON.stringify(asks),
  ]);
  if (rows.length === group.length) return;
  const written = new Set(rows.map(({ id }) => id));
  const refused = group.find(({ id }) => !written.has(id))!;
  const [found] = await session.rows<{ state: string; version: number }>(look, [refused.id]);
  if (!found) throw refuse('not-found');
  const states = refused.expect?.states as readonly string[] | undefined;
  throw refuse(!states || states.includes(found.state) ? 'version' : 'state');
}

/**
 * Of each instance the open interval is closed when something in it changes, and one that differs is opened. The open
 * one is looked up for each by itself: a join would read all that are open while the table has no statistics.
 */
const cut: Sql = {
  name: 'usage-cut',
  text: `
    WITH ask AS MATERIALIZED (
           SELECT a.*, (SELECT u.id FROM usage_interval AS u
                         WHERE u.instance_id = a.instance_id AND u.until_at IS NULL) AS open_id
             FROM json_to_recordset($1::json)
                    AS a (instance_id text, project_id text, plan_id text, held_vcpus integer,
                          held_ram_mib integer, held_disk_gib integer, at bigint)),
         closed AS (
           UPDATE usage_interval AS u
              SET until_at = GREATEST(u.from_at, ask.at)
             FROM ask
            WHERE u.id = ask.open_id
              AND (ask.held_vcpus IS NULL OR (u.held_vcpus, u.held_ram_mib, u.held_disk_gib, u.plan_id)
                   IS DISTINCT FROM (ask.held_vcpus, ask.held_ram_mib, ask.held_disk_gib, ask.plan_id))
           RETURNING u.id, u.until_at)
    INSERT INTO usage_interval
           (instance_id, project_id, plan_id, held_vcpus, held_ram_mib, held_disk_gib, from_at)
    SELECT instance_id, project_id, plan_id, held_vcpus, held_ram_mib, held_disk_gib,
           -- A clock that went back must not bill a moment twice.
           GREATEST(at, (SELECT max(u.until_at) FROM usage_interval AS u WHERE u.instance_id = ask.instance_id),
                    (SELECT until_at FROM closed WHERE closed.id = ask.open_id))
      FROM ask
     WHERE held_vcpus IS NOT NULL AND (open_id IS NULL OR open_id IN (SELECT id FROM closed))`,
};

/** Each for another instance. */
export const cutUsage: ApplyAll<'cut-usage'> = async (session, changes) => {
  const asks = changes.map(({ instanceId, projectId, planId, held, at }) => ({
    instance_id: instanceId,
    project_id: projectId,
    plan_id: planId,
    held_vcpus: held?.vcpus,
    held_ram_mib: held?.ramMib,
    held_disk_gib: held?.diskGib,
    at,
  }));
  await session.rows(cut, [JSON.stringify(asks)]);
};
