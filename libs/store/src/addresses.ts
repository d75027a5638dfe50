import type { InstanceId, IpPoolId } from '@bellows/domain/ids';
import { refuse } from './db-errors.js';
import type { Session, Sql } from './db.js';
import { ipRange } from './ip-range.js';
import type { IpRange } from './ip-range.js';

/** Rows are locked in the order of their ids. */
const advance: Sql = {
  name: 'pools-advance',
  text: `
    WITH ask AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::bigint[]) AS a (id, count)),
         before AS MATERIALIZED (
           SELECT id, next_offset FROM ip_pool WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE)
    UPDATE ip_pool AS p
       SET used = p.used + ask.count, next_offset = LEAST(p.size, p.next_offset + ask.count)
      FROM before JOIN ask USING (id)
     WHERE p.id = before.id AND p.used + ask.count <= p.size
    RETURNING p.id, p.cidr::text AS cidr, p.gateway, before.next_offset AS first, p.next_offset AS "end"`,
};

const takeReleased: Sql = {
  name: 'pool-take-released',
  text: `
    WITH oldest AS MATERIALIZED (
      SELECT id FROM ip_released WHERE pool_id = $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
    DELETE FROM ip_released USING oldest WHERE ip_released.id = oldest.id
    RETURNING ip_released.address`,
};

export interface TakenAddresses {
  readonly range: IpRange;
  readonly gateway: string;
  readonly addresses: readonly string[];
}

interface Advanced {
  readonly id: IpPoolId;
  readonly cidr: string;
  readonly gateway: string;
  readonly first: number;
  readonly end: number;
}

/**
 * Takes that many addresses of each pool: never-used ones first, then those given back, oldest first. Keeps the
 * pools' rows locked. Nothing is materialised ahead: a /8 costs one row. Refuses with `no-address`.
 */
export async function takeAddresses(
  session: Session,
  counts: ReadonlyMap<IpPoolId, number>,
): Promise<Map<IpPoolId, TakenAddresses>> {
  const taken = new Map<IpPoolId, TakenAddresses>();
  if (counts.size === 0) return taken;
  const rows = await session.rows<Advanced>(advance, [[...counts.keys()], [...counts.values()]]);
  const full = [...counts.keys()].filter((pool) => !rows.some(({ id }) => id === pool));
  if (full.length > 0) throw refuse('no-address', full);
  for (const row of rows) taken.set(row.id, await addressesOf(session, row, counts.get(row.id)!));
  return taken;
}

async function addressesOf(session: Session, row: Advanced, count: number): Promise<TakenAddresses> {
  const range = ipRange(row.cidr, row.gateway);
  const addresses: string[] = [];
  for (let index = row.first; index < row.end; index++) addresses.push(range.addressAt(index));
  const missing = count - addresses.length;
  if (missing > 0) {
    const released = await session.rows<{ address: string }>(takeReleased, [row.id, missing]);
    addresses.push(...released.map((r) => r.address));
  }
  if (addresses.length < count) throw refuse('no-address', [row.id]);
  return { range, gateway: row.gateway, addresses };
}

const release: Sql = {
  name: 'addresses-release',
  text: `
    WITH freed AS (DELETE FROM ip_claim WHERE instance_id = $1 RETURNING pool_id, address),
         kept AS (INSERT INTO ip_released (pool_id, address) SELECT pool_id, address FROM freed),
         cleared AS (UPDATE instance SET private_address = NULL, public_address = NULL
                      WHERE id = $1 AND EXISTS (SELECT 1 FROM freed))
    SELECT pool_id, count(*) AS count FROM freed GROUP BY pool_id ORDER BY pool_id`,
};
const giveBack: Sql = { name: 'pool-give-back', text: 'UPDATE ip_pool SET used = used - $2 WHERE id = $1' };

/** Gives an instance's addresses back; harmless when it has none. Its row forgets them: they are another's soon. */
export async function releaseAddresses(session: Session, instanceId: InstanceId): Promise<void> {
  const freed = await session.rows<{ pool_id: string; count: number }>(release, [instanceId]);
  for (const { pool_id, count } of freed) await session.rows(giveBack, [pool_id, count]);
}
