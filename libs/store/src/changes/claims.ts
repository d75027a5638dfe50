import type { HostId } from '@bellows/domain/ids';
import { plus } from '@bellows/domain/size';
import type { Size } from '@bellows/domain/size';
import type { QuotaUse } from '@bellows/operations/ports/rows';
import { refuse } from '../db-errors.js';
import type { Session, Sql } from '../db.js';

export interface HostClaim {
  readonly hostId: string;
  readonly delta: Size;
  readonly instances: number;
}
export interface QuotaClaim {
  readonly projectId: string;
  readonly delta: QuotaUse;
}

/** Rows are locked in the order of their ids, so that two batches cannot wait for each other in a ring. */
const claimHosts: Sql = {
  name: 'hosts-claim',
  text: `
    WITH ask AS MATERIALIZED (
           SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::integer[])
                      AS a (id, vcpus, ram_mib, disk_gib, instances)),
         locked AS MATERIALIZED (
           SELECT id FROM host WHERE id = ANY ($1::text[]) ORDER BY id FOR NO KEY UPDATE)
    UPDATE host AS h
       SET reserved_vcpus = h.reserved_vcpus + ask.vcpus,
           reserved_ram_mib = h.reserved_ram_mib + ask.ram_mib,
           reserved_disk_gib = h.reserved_disk_gib + ask.disk_gib,
           instances = h.instances + ask.instances,
           changed_in = pg_current_xact_id()::text::bigint
      FROM ask JOIN locked USING (id)
     WHERE h.id = ask.id
       AND (ask.vcpus <= 0 OR h.reserved_vcpus + ask.vcpus <= h.capacity_vcpus)
       AND (ask.ram_mib <= 0 OR h.reserved_ram_mib + ask.ram_mib <= h.capacity_ram_mib)
       AND (ask.disk_gib <= 0 OR h.reserved_disk_gib + ask.disk_gib <= h.capacity_disk_gib)
       AND (h.state = 'ready' OR (ask.vcpus <= 0 AND ask.ram_mib <= 0 AND ask.disk_gib <= 0))
    RETURNING h.id`,
};
const hostsThere: Sql = { name: 'hosts-there', text: 'SELECT id FROM host WHERE id = ANY ($1)' };

/** Claims on several hosts at once, each host at most once. Refuses `no-room` or `not-found`, naming the hosts. */
export async function applyHostClaims(session: Session, claims: readonly HostClaim[]): Promise<void> {
  if (claims.length === 0) return;
  const ids = claims.map((c) => c.hostId);
  const rows = await session.rows<{ id: string }>(claimHosts, [
    ids,
    claims.map((c) => c.delta.vcpus),
    claims.map((c) => c.delta.ramMib),
    claims.map((c) => c.delta.diskGib),
    claims.map((c) => c.instances),
  ]);
  if (rows.length === claims.length) return;
  const made = new Set(rows.map((r) => r.id));
  const refused = ids.filter((id) => !made.has(id));
  const there = await session.rows(hostsThere, [refused]);
  throw refuse(there.length < refused.length ? 'not-found' : 'no-room', refused);
}

const claimQuotas: Sql = {
  name: 'quotas-claim',
  text: `
    WITH ask AS MATERIALIZED (
           SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
                      AS a (id, instances, vcpus, ram_mib, disk_gib)),
         locked AS MATERIALIZED (
           SELECT project_id AS id FROM quota WHERE project_id = ANY ($1::text[])
            ORDER BY project_id FOR NO KEY UPDATE)
    UPDATE quota AS q
       SET used_instances = q.used_instances + ask.instances,
           used_vcpus = q.used_vcpus + ask.vcpus,
           used_ram_mib = q.used_ram_mib + ask.ram_mib,
           used_disk_gib = q.used_disk_gib + ask.disk_gib
      FROM ask JOIN locked USING (id)
     WHERE q.project_id = ask.id
       AND (ask.instances <= 0 OR q.used_instances + ask.instances <= q.limit_instances)
       AND (ask.vcpus <= 0 OR q.used_vcpus + ask.vcpus <= q.limit_vcpus)
       AND (ask.ram_mib <= 0 OR q.used_ram_mib + ask.ram_mib <= q.limit_ram_mib)
       AND (ask.disk_gib <= 0 OR q.used_disk_gib + ask.disk_gib <= q.limit_disk_gib)
    RETURNING q.project_id AS id`,
};
const quotasThere: Sql = { name: 'quotas-there', text: 'SELECT 1 FROM quota WHERE project_id = ANY ($1)' };

/** Claims on several quotas at once, each project at most once. Refuses `over-quota` or `not-found`. */
export async function applyQuotaClaims(session: Session, claims: readonly QuotaClaim[]): Promise<void> {
  if (claims.length === 0) return;
  const ids = claims.map((c) => c.projectId);
  const rows = await session.rows<{ id: string }>(claimQuotas, [
    ids,
    claims.map((c) => c.delta.instances),
    claims.map((c) => c.delta.vcpus),
    claims.map((c) => c.delta.ramMib),
    claims.map((c) => c.delta.diskGib),
  ]);
  if (rows.length === claims.length) return;
  const made = new Set(rows.map((r) => r.id));
  const refused = ids.filter((id) => !made.has(id));
  const there = await session.rows(quotasThere, [refused]);
  throw refuse(there.length < refused.length ? 'not-found' : 'over-quota', refused);
}

/** Claims on one host are added up. */
export function hostClaims(
  asks: Iterable<{ readonly hostId: HostId; readonly delta: Size; readonly instances?: number }>,
): HostClaim[] {
  const sums = new Map<string, HostClaim>();
  for (const { hostId, delta, instances = 0 } of asks) {
    const sum = sums.get(hostId);
    sums.set(hostId, {
      hostId,
      delta: sum ? plus(sum.delta, delta) : delta,
      instances: (sum?.instances ?? 0) + instances,
    });
  }
  return [...sums.values()];
}

export function quotaClaims(
  asks: Iterable<{ readonly projectId: string; readonly delta: QuotaUse }>,
): QuotaClaim[] {
  const sums = new Map<string, QuotaClaim>();
  for (const { projectId, delta } of asks) {
    const sum = sums.get(projectId);
    sums.set(projectId, {
      projectId,
      delta: sum ? { instances: sum.delta.instances + delta.instances, ...plus(sum.delta, delta) } : delta,
    });
  }
  return [...sums.values()];
}
