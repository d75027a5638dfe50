import type { Instance } from '@bellows/operations/ports/rows';
import { refuse } from '../db-errors.js';
import type { Sql } from '../db.js';
import { instances } from '../rows/mappings.js';
import type { Apply } from './kinds.js';

/** The database's clock, in milliseconds since the epoch: the one clock all processes share. */
export const nowMs = `floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

/** One prepared statement for each set of columns that is ever written together: a dozen or two in practice. */
const prepared = new Map<string, Sql>();

/** What is being deleted stays so until it is deleted, whatever another operation's end writes. */
const stateOf = (n: number): string =>
  `CASE WHEN state = 'deleting' AND $${n} <> 'deleted' THEN state ELSE $${n} END`;

function updateOf(columns: readonly string[]): Sql {
  const key = columns.join(',');
  let sql = prepared.get(key);
  if (!sql) {
    const sets = columns.map(
      (column, n) => `${column} = ${column === 'state' ? stateOf(n + 4) : `$${n + 4}`}`,
    );
    sql = {
      name: `instance-update-${prepared.size}`,
      text: `
        UPDATE instance SET ${[...sets, 'version = version + 1', `updated_at = ${nowMs}`].join(', ')}
         WHERE id = $1 AND ($2::text[] IS NULL OR state = ANY ($2)) AND ($3::integer IS NULL OR version = $3)
        RETURNING id`,
    };
    prepared.set(key, sql);
  }
  return sql;
}

const look: Sql = { name: 'instance-look', text: 'SELECT state, version FROM instance WHERE id = $1' };

export const updateInstance: Apply<'update-instance'> = async (session, { id, expect, set }) => {
  const written = instances.parameters(set as Partial<Instance>).sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = await session.rows(updateOf(written.map(([column]) => column)), [
    id,
    expect?.states ?? null,
    expect?.version ?? null,
    ...written.map(([, value]) => value),
  ]);
  if (rows.length > 0) return;
  const [found] = await session.rows<{ state: string; version: number }>(look, [id]);
  if (!found) throw refuse('not-found');
  const stateFits = !expect?.states || (expect.states as readonly string[]).includes(found.state);
  throw refuse(stateFits ? 'version' : 'state');
};

const closeUsage: Sql = {
  name: 'usage-close',
  text: `
    UPDATE usage_interval SET until_at = GREATEST(from_at, $2::bigint)
     WHERE instance_id = $1 AND until_at IS NULL
       AND ($3::integer IS NULL OR (held_vcpus, held_ram_mib, held_disk_gib, plan_id)
            IS DISTINCT FROM ($3::integer, $4::integer, $5::integer, $6::text))`,
};
const openUsage: Sql = {
  name: 'usage-open',
  text: `
    INSERT INTO usage_interval
           (instance_id, project_id, plan_id, held_vcpus, held_ram_mib, held_disk_gib, from_at)
    SELECT $1::text, $7::text, $6::text, $3::integer, $4::integer, $5::integer,
           -- A clock that went back must not bill a moment twice.
           GREATEST($2::bigint, (SELECT max(until_at) FROM usage_interval WHERE instance_id = $1))
     WHERE NOT EXISTS (SELECT 1 FROM usage_interval WHERE instance_id = $1 AND until_at IS NULL)`,
};

export const cutUsage: Apply<'cut-usage'> = async (session, { instanceId, projectId, planId, held, at }) => {
  const values = [instanceId, at, held?.vcpus ?? null, held?.ramMib ?? null, held?.diskGib ?? null, planId];
  await session.rows(closeUsage, values);
  if (held) await session.rows(openUsage, [...values, projectId]);
};
