import type { HostId } from '@bellows/domain/ids';
import type { PlacementRow } from '@bellows/operations/ports/store';
import type { Row, Session, Sql } from './db.js';
import { Mapping } from './rows/shape.js';

const placement = new Mapping<PlacementRow>({
  plain: ['id', 'zone', 'state', 'guestOverheadMib', 'driver'],
  sizes: ['capacity', 'reserved'],
});

/**
 * The mark is the oldest transaction still open when the snapshot was taken (`pg_snapshot_xmin`). Whatever
 * commits later was written by that transaction or a younger one, so asking for `changed_in >= mark` misses
 * nothing, however long a transaction stays open; some rows come twice.
 */
const mark = `(SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS mark) AS m`;

const all: Sql = {
  name: 'placement-all',
  text: `SELECT m.mark, ${placement.columns.map((c) => `h.${c}`).join(', ')} FROM ${mark} LEFT JOIN host AS h ON true`,
};
const changed: Sql = {
  name: 'placement-changed',
  text: `
    SELECT m.mark, c.* FROM ${mark} LEFT JOIN (
      SELECT ${placement.list}, false AS removed FROM host WHERE changed_in >= $1::bigint
      UNION ALL
      SELECT t.id, ${placement.columns
        .slice(1)
        .map((c) => `h.${c}`)
        .join(', ')}, true
        FROM host_tombstone AS t LEFT JOIN host AS h ON false WHERE t.changed_in >= $1::bigint
    ) AS c ON true`,
};

const present = (rows: readonly Row[]): Row[] => rows.filter((row) => row.id !== null);

export async function placementRows(session: Session): Promise<{ rows: PlacementRow[]; mark: string }> {
  const rows = await session.rows(all);
  return { rows: present(rows).map(placement.item), mark: rows[0]!.mark as string };
}

export async function placementChanges(
  session: Session,
  since: string,
): Promise<{ rows: PlacementRow[]; removed: HostId[]; mark: string }> {
  const rows = await session.rows(changed, [since]);
  const there = present(rows);
  return {
    rows: there.filter((row) => row.removed === false).map(placement.item),
    removed: there.filter((row) => row.removed === true).map((row) => row.id as HostId),
    mark: rows[0]!.mark as string,
  };
}
