import type { Host } from '@bellows/operations/ports/rows';
import { refuse } from '../db-errors.js';
import { hosts } from '../rows/mappings.js';
import type { Apply } from './kinds.js';

const thisTransaction = 'pg_current_xact_id()::text::bigint';

export const insertHost: Apply<'insert-host'> = async (session, { host }) => {
  const rows = await session.rows(
    {
      text: `INSERT INTO host (${hosts.list}, changed_in)
             SELECT ${hosts.list}, ${thisTransaction} FROM json_populate_recordset(NULL::host, $1::json)
             ON CONFLICT DO NOTHING RETURNING id`,
    },
    [JSON.stringify([hosts.row(host)])],
  );
  if (rows.length === 0) throw refuse('exists');
};

export const updateHost: Apply<'update-host'> = async (session, { id, set }) => {
  const written = hosts.parameters(set as Partial<Host>);
  const sets = written.map(([column], n) => `${column} = $${n + 2}`);
  const rows = await session.rows(
    {
      text: `UPDATE host SET ${[...sets, `changed_in = ${thisTransaction}`].join(', ')} WHERE id = $1 RETURNING id`,
    },
    [id, ...written.map(([, value]) => value)],
  );
  if (rows.length === 0) throw refuse('not-found');
};

export const deleteHost: Apply<'delete-host'> = async (session, { id }) => {
  const rows = await session.rows(
    {
      text: `WITH gone AS (DELETE FROM host WHERE id = $1 AND instances = 0 RETURNING id)
             INSERT INTO host_tombstone (id, changed_in) SELECT id, ${thisTransaction} FROM gone
             ON CONFLICT (id) DO UPDATE SET changed_in = EXCLUDED.changed_in
             RETURNING id`,
    },
    [id],
  );
  if (rows.length > 0) return;
  const there = await session.rows({ text: 'SELECT 1 FROM host WHERE id = $1' }, [id]);
  throw refuse(there.length > 0 ? 'in-use' : 'not-found');
};
