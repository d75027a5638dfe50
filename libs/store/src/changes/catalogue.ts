import { refuse } from '../db-errors.js';
import { ipRange } from '../ip-range.js';
import { images, plans, projects, tokens } from '../rows/mappings.js';
import type { Apply } from './kinds.js';

const limits = 'limit_instances, limit_vcpus, limit_ram_mib, limit_disk_gib';

export const insertProject: Apply<'insert-project'> = async (session, { project, quota }) => {
  const rows = await session.rows(
    {
      text: `INSERT INTO project (${projects.list}) SELECT ${projects.list}
               FROM json_populate_recordset(NULL::project, $1::json) ON CONFLICT DO NOTHING RETURNING id`,
    },
    [JSON.stringify([projects.row(project)])],
  );
  if (rows.length === 0) throw refuse('exists');
  await session.rows({ text: `INSERT INTO quota (project_id, ${limits}) VALUES ($1, $2, $3, $4, $5)` }, [
    project.id,
    quota.instances,
    quota.vcpus,
    quota.ramMib,
    quota.diskGib,
  ]);
};

/** A limit below what is used is allowed: it only stops growth. */
export const setQuota: Apply<'set-quota'> = async (session, { projectId, limit, registryMib }) => {
  const rows = await session.rows(
    {
      text: `UPDATE quota SET (${limits}, limit_registry_mib) = ($2, $3, $4, $5, $6)
              WHERE project_id = $1 RETURNING project_id`,
    },
    [projectId, limit.instances, limit.vcpus, limit.ramMib, limit.diskGib, registryMib],
  );
  if (rows.length === 0) throw refuse('not-found');
};

export const insertToken: Apply<'insert-token'> = async (session, { token, secretHash }) => {
  const rows = await session.rows(
    {
      text: `INSERT INTO token (${tokens.list}, secret_hash) SELECT ${tokens.list}, $2
               FROM json_populate_recordset(NULL::token, $1::json) ON CONFLICT DO NOTHING RETURNING id`,
    },
    [JSON.stringify([tokens.row(token)]), secretHash],
  );
  if (rows.length === 0) throw refuse('exists');
};

/** Revoking twice keeps the first time. */
export const revokeToken: Apply<'revoke-token'> = async (session, { id, at }) => {
  const rows = await session.rows(
    { text: 'UPDATE token SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1 RETURNING id' },
    [id, at],
  );
  if (rows.length === 0) throw refuse('not-found');
};

/** `size` is computed here, so that the cursor and the count agree; the given one is not looked at. */
export const insertIpPool: Apply<'insert-ip-pool'> = async (session, { pool }) => {
  let size: number;
  try {
    size = ipRange(pool.cidr, pool.gateway).size;
  } catch {
    throw refuse('invalid');
  }
  const rows = await session.rows(
    {
      text: `INSERT INTO ip_pool (id, cidr, gateway, kind, mode, zone, size) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT DO NOTHING RETURNING id`,
    },
    [pool.id, pool.cidr, pool.gateway, pool.kind, pool.mode, pool.zone, size],
  );
  if (rows.length === 0) throw refuse('exists');
};

export const deleteIpPool: Apply<'delete-ip-pool'> = async (session, { id }) => {
  const gone = await session.rows({ text: 'DELETE FROM ip_pool WHERE id = $1 AND used = 0 RETURNING id' }, [
    id,
  ]);
  if (gone.length > 0) return;
  const there = await session.rows({ text: 'SELECT 1 FROM ip_pool WHERE id = $1' }, [id]);
  throw refuse(there.length > 0 ? 'in-use' : 'not-found');
};

const assignments = (columns: readonly string[]): string =>
  columns.map((column) => `${column} = EXCLUDED.${column}`).join(', ');

export const putPlan: Apply<'put-plan'> = async (session, { plan, mode }) => {
  const conflict =
    mode === 'insert'
      ? 'ON CONFLICT DO NOTHING'
      : `ON CONFLICT (id) DO UPDATE SET ${assignments(plans.columns.filter((c) => c !== 'id'))}`;
  const rows = await session.rows(
    {
      text: `INSERT INTO plan (${plans.list}) SELECT ${plans.list}
               FROM json_populate_recordset(NULL::plan, $1::json) ${conflict} RETURNING id`,
    },
    [JSON.stringify([plans.row(plan)])],
  );
  if (rows.length === 0) throw refuse('exists');
};

/** By name; an image that is there keeps its id. */
export const putImage: Apply<'put-image'> = async (session, { image }) => {
  const changed = images.columns.filter((c) => c !== 'id' && c !== 'name');
  await session.rows(
    {
      text: `INSERT INTO image (${images.list}) SELECT ${images.list}
               FROM json_populate_recordset(NULL::image, $1::json)
             ON CONFLICT (name) DO UPDATE SET ${assignments(changed)}`,
    },
    [JSON.stringify([images.row(image)])],
  );
};
