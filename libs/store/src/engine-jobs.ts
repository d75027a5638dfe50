import type { InstanceId } from '@bellows/domain/ids';
import type {
  EngineJob,
  EngineJobChange,
  EngineJobKeep,
  EngineJobMarks,
  EngineJobOutcome,
} from '@bellows/operations/ports/engine-jobs';
import type { Page, PageAsk } from '@bellows/operations/ports/store';
import { page, Where } from './cursor.js';
import type { Database, Row, Session, Sql } from './db.js';
import { engineJobs } from './rows/mappings.js';

/**
 * Numbers changed rows (`changed`: id, instance_id, started_at) within their instances. The feed's row stays locked
 * until the commit, so whoever numbers next also becomes visible next: a reader who goes by numbers misses nothing.
 */
const numbering = `
  feed AS (
    INSERT INTO engine_job_feed (instance_id, last_seq)
      SELECT instance_id, count(*) FROM changed GROUP BY instance_id ORDER BY instance_id
    ON CONFLICT (instance_id) DO UPDATE SET last_seq = engine_job_feed.last_seq + EXCLUDED.last_seq
    RETURNING instance_id, last_seq),
  numbered AS (
    SELECT c.id, f.last_seq + 1 - row_number() OVER (PARTITION BY c.instance_id
                                                     ORDER BY c.started_at DESC, c.id DESC) AS seq
      FROM changed AS c JOIN feed AS f USING (instance_id))`;

const rewritten = ['subjects', 'duration_ms', 'outcome', 'http_status', 'bytes_in', 'bytes_out', 'calls']
  .concat('events', 'events_dropped', 'seq')
  .map((column) => `${column} = EXCLUDED.${column}`);

const given = engineJobs.columns.map((column) => `g.${column}`).join(', ');
const record: Sql = {
  name: 'engine-jobs-record',
  text: `
    WITH given AS MATERIALIZED (
        SELECT g.* FROM json_populate_recordset(NULL::engine_job, $1::json) AS g
         WHERE EXISTS (SELECT 1 FROM instance AS i WHERE i.id = g.instance_id)),
      changed AS (SELECT id, instance_id, started_at FROM given),
      ${numbering}
    INSERT INTO engine_job (${engineJobs.list}, seq)
      SELECT ${given}, n.seq FROM given AS g JOIN numbered AS n ON n.id = g.id ORDER BY g.id
    ON CONFLICT (id) DO UPDATE SET ${rewritten.join(', ')}`,
};

export async function recordJobs(database: Database, jobs: readonly EngineJob[]): Promise<void> {
  const rows = JSON.stringify(jobs.map(engineJobs.row));
  // One statement; a transaction because that is what is tried again after a deadlock.
  await database.transaction((session) => session.rows(record, [rows]));
}

const newest = {
  table: 'engine_job',
  columns: engineJobs.list,
  at: 'started_at',
  id: 'id',
  idType: 'text',
  newestFirst: true,
} as const;

export function readJobs(
  session: Session,
  ask: PageAsk & { instanceId: InstanceId; verb?: string; outcome?: EngineJobOutcome },
): Promise<Page<EngineJob>> {
  const where = new Where()
    .and('instance_id = ?', ask.instanceId)
    .and('verb = ?', ask.verb)
    .and('outcome = ?', ask.outcome);
  return page(session, ask, newest, where, engineJobs.item);
}

const changes: Sql = {
  name: 'engine-jobs-changes',
  text: `SELECT ${engineJobs.list}, seq FROM engine_job WHERE instance_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
};
export async function readChanges(
  session: Session,
  instanceId: InstanceId,
  after: number,
  limit: number,
): Promise<EngineJobChange[]> {
  const rows = await session.rows<Row & { seq: number }>(changes, [instanceId, after, limit]);
  return rows.map((row) => ({ seq: row.seq, job: engineJobs.item(row) }));
}

const marks: Sql = {
  name: 'engine-jobs-marks',
  text: 'SELECT instance_id, last_seq, trimmed_seq FROM engine_job_feed WHERE instance_id = ANY ($1::text[])',
};
export async function readMarks(
  session: Session,
  ids: readonly InstanceId[],
): Promise<Map<InstanceId, EngineJobMarks>> {
  const found = new Map<InstanceId, EngineJobMarks>(ids.map((id) => [id, { lastSeq: 0, trimmedSeq: 0 }]));
  for (const row of await session.rows<{ instance_id: InstanceId; last_seq: number; trimmed_seq: number }>(
    marks,
    [ids],
  )) {
    found.set(row.instance_id, { lastSeq: row.last_seq, trimmedSeq: row.trimmed_seq });
  }
  return found;
}

const behind: Sql = {
  name: 'engine-jobs-behind',
  text: `SELECT seq FROM engine_job WHERE instance_id = $1 ORDER BY seq DESC OFFSET $2 LIMIT 1`,
};
export async function readBehind(session: Session, instanceId: InstanceId, jobs: number): Promise<number> {
  const [row] = await session.rows<{ seq: number }>(behind, [instanceId, jobs]);
  return row?.seq ?? 0;
}

const nowMs = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`;

const heard: Sql = {
  name: 'engine-recorder-beat',
  text: `INSERT INTO engine_recorder (id, seen_at) VALUES ($1, ${nowMs})
         ON CONFLICT (id) DO UPDATE SET seen_at = EXCLUDED.seen_at`,
};
export const beat = async (session: Session, recorder: string): Promise<void> =>
  void (await session.rows(heard, [recorder]));

const cut: Sql = {
  name: 'engine-jobs-cut',
  text: `
    WITH changed AS MATERIALIZED (
        SELECT j.id, j.instance_id, j.started_at, r.seen_at
          FROM engine_job AS j LEFT JOIN engine_recorder AS r ON r.id = j.recorder
         WHERE j.outcome = 'running' AND (r.id IS NULL OR r.seen_at < ${nowMs} - $1::bigint)
         ORDER BY j.id LIMIT $2 FOR UPDATE OF j SKIP LOCKED),
      ${numbering}
    UPDATE engine_job AS j
       SET outcome = 'cut', seq = n.seq,
           duration_ms = greatest(0, coalesce(c.seen_at, j.started_at) - j.started_at)
      FROM numbered AS n JOIN changed AS c ON c.id = n.id WHERE j.id = n.id
    RETURNING j.id`,
};
const forgotten: Sql = {
  name: 'engine-recorder-forget',
  text: `DELETE FROM engine_recorder AS r
          WHERE r.seen_at < ${nowMs} - $1::bigint
            AND NOT EXISTS (SELECT 1 FROM engine_job AS j WHERE j.recorder = r.id AND j.outcome = 'running')`,
};
export async function cutOrphans(database: Database, silentMs: number, limit: number): Promise<number> {
  return database.transaction(async (session) => {
    const found = await session.rows(cut, [silentMs, limit]);
    if (found.length === 0) await session.rows(forgotten, [silentMs]);
    return found.length;
  });
}

/** What `old` (id, instance_id, seq) lists is removed, and the feed remembers up to where something is missing. */
const removal = `
  marked AS (
    UPDATE engine_job_feed AS f SET trimmed_seq = greatest(f.trimmed_seq, o.seq)
      FROM (SELECT instance_id, max(seq) AS seq FROM old GROUP BY instance_id) AS o
     WHERE f.instance_id = o.instance_id)
  DELETE FROM engine_job AS j USING old AS o WHERE j.id = o.id`;

const trimmed: Sql = {
  name: 'engine-jobs-trim',
  text: `
    WITH old AS MATERIALIZED (
      SELECT j.id, j.instance_id, j.seq
        FROM unnest($1::text[]) AS i (id) CROSS JOIN LATERAL (
          SELECT id, instance_id, seq, started_at,
                 row_number() OVER (ORDER BY started_at DESC, id DESC) AS nth
            FROM engine_job WHERE instance_id = i.id AND outcome <> 'running') AS j
       WHERE j.nth > $2 OR j.started_at <= $3),
    ${removal}`,
};
export const trim = (database: Database, ids: readonly InstanceId[], keep: EngineJobKeep): Promise<void> =>
  database.transaction(
    async (session) => void (await session.rows(trimmed, [[...ids].sort(), keep.jobs, keep.startedAfter])),
  );

const pruned: Sql = {
  name: 'engine-jobs-prune',
  text: `
    WITH old AS MATERIALIZED (
      SELECT id, instance_id, seq FROM engine_job
       WHERE started_at < $1 AND outcome <> 'running' ORDER BY started_at LIMIT $2 FOR UPDATE SKIP LOCKED),
    ${removal}`,
};
export const pruneOld = (database: Database, startedBefore: number, limit: number): Promise<void> =>
  database.transaction(async (session) => void (await session.rows(pruned, [startedBefore, limit])));
