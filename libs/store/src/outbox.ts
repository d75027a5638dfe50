import type { EpochMs } from '@bellows/operations/ports/rows';
import type { Database, Sql } from './db.js';

const onlyOne: Sql = {
  name: 'sequencer-lock',
  text: `SELECT pg_try_advisory_xact_lock(hashtextextended('bellows.sequencer', 0)) AS mine`,
};

/** Numbers follow the ids among what is committed; a row that commits later gets a later number, always. */
const number: Sql = {
  name: 'sequencer-number',
  text: `
    WITH next AS MATERIALIZED (SELECT id FROM event WHERE seq IS NULL ORDER BY id LIMIT $1),
         ranked AS MATERIALIZED (SELECT id, row_number() OVER (ORDER BY id) AS n FROM next),
         counter AS (
           UPDATE cloud SET last_event_seq = last_event_seq + (SELECT count(*) FROM ranked)
            WHERE EXISTS (SELECT 1 FROM ranked)
           RETURNING last_event_seq),
         numbered AS (
           UPDATE event SET seq = c.last_event_seq - (SELECT count(*) FROM ranked) + r.n
             FROM ranked AS r, counter AS c WHERE event.id = r.id
           RETURNING 1)
    SELECT count(*) AS count FROM numbered`,
};

/** Gives committed events their numbers: consecutive from 1, never reused. 0 when another process is at it. */
export async function sequenceEvents(database: Database, limit: number): Promise<number> {
  return database.transaction(async (session) => {
    const [lock] = await session.rows<{ mine: boolean }>(onlyOne);
    if (!lock?.mine) return 0;
    const [row] = await session.rows<{ count: number }>(number, [limit]);
    return row?.count ?? 0;
  });
}

export async function prune(
  database: Database,
  before: { answers: EpochMs; events: EpochMs },
): Promise<void> {
  await database.rows({ text: 'DELETE FROM kept_answer WHERE at < $1' }, [before.answers]);
  await database.rows({ text: 'DELETE FROM event WHERE seq IS NOT NULL AND at < $1' }, [before.events]);
}
