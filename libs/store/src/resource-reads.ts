import type { HostId, InstanceId, OperationId, ProjectId } from '@bellows/domain/ids';
import type { Size } from '@bellows/domain/size';
import type { EpochMs, Host, Instance, Operation, UsageInterval } from '@bellows/operations/ports/rows';
import type { AuditEntry, Page, PageAsk, Store } from '@bellows/operations/ports/store';
import { live } from './changes/operation.js';
import { Where, page } from './cursor.js';
import type { Row, Session, Sql } from './db.js';
import { auditEntries, hosts, instances, operations } from './rows/mappings.js';

type Ask<Read extends keyof Store> = Store[Read] extends (ask: infer A) => unknown ? A : never;
const byCreation = { at: 'created_at', id: 'id', idType: 'text' } as const;

const oneInstance: Sql = { name: 'instance', text: `SELECT ${instances.list} FROM instance WHERE id = $1` };
export async function readInstance(session: Session, id: InstanceId): Promise<Instance | null> {
  const [row] = await session.rows(oneInstance, [id]);
  return row ? instances.item(row) : null;
}

const instancesByIds: Sql = {
  name: 'instances-by-id',
  text: `SELECT ${instances.list} FROM instance WHERE id = ANY ($1::text[])`,
};
export async function readInstancesById(session: Session, ids: readonly InstanceId[]): Promise<Instance[]> {
  return (await session.rows(instancesByIds, [ids])).map(instances.item);
}

export function readInstances(session: Session, ask: Ask<'instances'>): Promise<Page<Instance>> {
  const where = new Where()
    .and('project_id = ?', ask.projectId)
    .and('host_id = ?', ask.hostId)
    .and('state = ?', ask.state)
    .and('name = ?', ask.name)
    .and('plan_id = ?', ask.planId)
    .and('tags @> ?::jsonb', ask.tag && JSON.stringify({ [ask.tag.key]: ask.tag.value }));
  if (ask.state !== 'deleted') where.plain('deleted_at IS NULL');
  return page(
    session,
    ask,
    { table: 'instance', columns: instances.list, ...byCreation, newestFirst: true },
    where,
    instances.item,
  );
}

const inGroup: Sql = {
  name: 'group-hosts',
  text: `SELECT DISTINCT host_id FROM instance
          WHERE project_id = $1 AND anti_affinity_group = $2 AND deleted_at IS NULL`,
};
export async function readGroupHosts(
  session: Session,
  projectId: ProjectId,
  group: string,
): Promise<HostId[]> {
  return (await session.rows<{ host_id: HostId }>(inGroup, [projectId, group])).map((row) => row.host_id);
}

const oneHost: Sql = { name: 'host', text: `SELECT ${hosts.list} FROM host WHERE id = $1` };
export async function readHost(session: Session, id: HostId): Promise<Host | null> {
  const [row] = await session.rows(oneHost, [id]);
  return row ? hosts.item(row) : null;
}

export const readHosts = (session: Session, ask: Ask<'hosts'>): Promise<Page<Host>> =>
  page(
    session,
    ask,
    { table: 'host', columns: hosts.list, ...byCreation },
    new Where().and('zone = ?', ask.zone).and('state = ?', ask.state),
    hosts.item,
  );

const held: Sql = {
  name: 'held-on-host',
  text: `SELECT COALESCE(sum(held_vcpus), 0) AS vcpus, COALESCE(sum(held_ram_mib), 0) AS "ramMib",
                COALESCE(sum(held_disk_gib), 0) AS "diskGib"
           FROM instance WHERE host_id = $1 AND deleted_at IS NULL`,
};
export async function readHeldOnHost(session: Session, id: HostId): Promise<Size> {
  return (await session.rows<Size & Row>(held, [id]))[0]!;
}

const zones: Sql = { name: 'zones', text: 'SELECT DISTINCT zone FROM host ORDER BY zone' };
export async function readZones(session: Session): Promise<string[]> {
  return (await session.rows<{ zone: string }>(zones)).map((row) => row.zone);
}

const oneOperation: Sql = {
  name: 'operation',
  text: `SELECT ${operations.list} FROM operation WHERE id = $1`,
};
export async function readOperation(session: Session, id: OperationId): Promise<Operation | null> {
  const [row] = await session.rows(oneOperation, [id]);
  return row ? operations.item(row) : null;
}

export const readOperations = (session: Session, ask: Ask<'operations'>): Promise<Page<Operation>> =>
  page(
    session,
    ask,
    { table: 'operation', columns: operations.list, ...byCreation, newestFirst: true },
    new Where()
      .and('project_id = ?', ask.projectId)
      .and('instance_id = ?', ask.instanceId)
      .and('state = ?', ask.state)
      .and('kind = ?', ask.kind),
    operations.item,
  );

/** With a delete queued behind another operation, the other: that is the one at work. */
const liveOnes: Sql = {
  name: 'operation-live',
  text: `SELECT DISTINCT ON (instance_id) ${operations.list} FROM operation
          WHERE instance_id = ANY ($1::text[]) AND ${live}
          ORDER BY instance_id, kind = 'instance.delete'`,
};
/** One answer an id. */
export async function readLiveOperations(
  session: Session,
  ids: readonly InstanceId[],
): Promise<(Operation | null)[]> {
  const rows = await session.rows(liveOnes, [ids]);
  const found = new Map(rows.map((row) => [row.instance_id, operations.item(row)]));
  return ids.map((id) => found.get(id) ?? null);
}

const interval = (row: Row): UsageInterval => ({
  instanceId: row.instance_id as InstanceId,
  projectId: row.project_id as ProjectId,
  planId: row.plan_id as string,
  held: {
    vcpus: row.held_vcpus as number,
    ramMib: row.held_ram_mib as number,
    diskGib: row.held_disk_gib as number,
  },
  from: row.from_at as EpochMs,
  until: row.until_at as EpochMs | null,
});

/** Intervals that overlap [from, until). */
export const readUsage = (session: Session, ask: Ask<'usage'>): Promise<Page<UsageInterval>> =>
  page(
    session,
    ask,
    { table: 'usage_interval', columns: '*', at: 'from_at', id: 'id', idType: 'bigint' },
    new Where()
      .and('project_id = ?', ask.projectId)
      .and('instance_id = ?', ask.instanceId)
      .and('(until_at IS NULL OR until_at > ?::bigint)', ask.from)
      .and('from_at < ?', ask.until),
    interval,
  );

export const readAudit = (
  session: Session,
  ask: PageAsk & { projectId?: ProjectId },
): Promise<Page<AuditEntry & { id: string }>> =>
  page(
    session,
    ask,
    {
      table: 'audit_entry',
      columns: `id, ${auditEntries.list}`,
      at: 'at',
      id: 'id',
      idType: 'bigint',
      newestFirst: true,
    },
    new Where().and('project_id = ?', ask.projectId),
    (row) => ({ id: `aud-${String(row.id)}`, ...auditEntries.item(row) }),
  );

/** Left alone while an operation is at work on it, and while it does not run: then nothing is left to take back. */
const unsettled: Sql = {
  name: 'unsettled',
  text: `
    SELECT ${instances.list} FROM instance AS i
     WHERE deleted_at IS NULL AND state = 'running'
       AND (GREATEST(reserved_vcpus, held_vcpus, effective_vcpus) > desired_vcpus
            OR GREATEST(reserved_ram_mib, held_ram_mib, effective_ram_mib) > desired_ram_mib
            OR conditions @> '[{"type": "partial"}]')
       AND NOT EXISTS (SELECT 1 FROM operation AS o
                        WHERE o.instance_id = i.id AND o.state IN ('pending', 'running'))
     ORDER BY updated_at LIMIT $1`,
};
export async function readUnsettled(session: Session, limit: number): Promise<Instance[]> {
  return (await session.rows(unsettled, [limit])).map(instances.item);
}
