import type { Host, Instance, IpPool, Operation, Project, QuotaUse } from '@bellows/operations/ports/rows';
import type { Change, CommitResult, CreateAdmission } from '@bellows/operations/ports/store';
import { aHost, aPool, aProject, anAdmission, plenty } from '@bellows/testkit/rows';
import { testStore } from '@bellows/testkit/test-store';
import type { TestStore } from '@bellows/testkit/test-store';
import pg from 'pg';

export const ok = { ok: true } as const;

/** A store with one project, hosts and pools, and a way to look at it from outside. */
export interface TestCloud extends TestStore {
  readonly project: Project;
  readonly hosts: readonly Host[];
  readonly host: Host;
  readonly pool: IpPool;
  made(changes: readonly Change[]): Promise<void>;
  admitted(given?: Parameters<typeof anAdmission>[2]): Promise<{ instance: Instance; operation: Operation }>;
  admission(given?: Parameters<typeof anAdmission>[2]): CreateAdmission;
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
}

export const must = (result: CommitResult): void => {
  if (!result.ok) throw new Error(`refused: ${result.why}`);
};

export async function testCloud(
  given: { hosts?: readonly Host[]; quota?: QuotaUse; pool?: Partial<IpPool> } = {},
): Promise<TestCloud> {
  const whole = await testStore({ poolSize: 12 });
  const { store, database } = whole;
  const hosts = given.hosts ?? [aHost()];
  const project = aProject();
  const pool = aPool(given.pool);
  const made = async (changes: readonly Change[]) => must(await store.commit(changes));
  await made([
    { change: 'insert-project', project, quota: given.quota ?? plenty },
    ...hosts.map((host): Change => ({ change: 'insert-host', host })),
    { change: 'insert-ip-pool', pool },
  ]);
  const outside = new pg.Pool({ connectionString: database.url, max: 4 });
  outside.on('error', () => undefined);
  const admission: TestCloud['admission'] = (ask) => anAdmission(hosts[0]!, project.id, ask);
  return {
    ...whole,
    ...{ project, hosts, pool, made, admission },
    host: hosts[0]!,
    admitted: async (ask) => {
      const [result] = await store.admitCreates([admission(ask)]);
      if (!result?.ok) throw new Error(`refused: ${result?.why}`);
      return result.guests[0]!;
    },
    sql: async <Row>(text: string, values: unknown[] = []) =>
      (await outside.query(text, values)).rows as Row[],
    close: async () => {
      await outside.end();
      await whole.close();
    },
  };
}

/** Ends an operation as its worker would. */
export const finish = (operation: Operation, fence = operation.fence): Change => ({
  change: 'finish-operation',
  id: operation.id,
  fence,
  set: {
    state: 'succeeded',
    steps: [],
    error: null,
    warnings: [],
    confirmedBy: 'guest',
    finishedAt: operation.dueAt,
  },
});

/** What hosts say they have given, against the sum over their instances; equal when nothing leaks. */
export async function claimsAgainstInstances(cloud: TestCloud) {
  const [claimed] = await cloud.sql<Record<string, number>>(
    `SELECT sum(reserved_vcpus)::integer AS vcpus, sum(reserved_ram_mib)::integer AS ram,
            sum(reserved_disk_gib)::integer AS disk, sum(instances)::integer AS n FROM host`,
  );
  const [summed] = await cloud.sql<Record<string, number>>(
    `SELECT coalesce(sum(i.reserved_vcpus), 0)::integer AS vcpus,
            coalesce(sum(i.reserved_ram_mib + CASE WHEN i.reserved_ram_mib > 0 THEN h.guest_overhead_mib ELSE 0 END), 0)::integer AS ram,
            coalesce(sum(i.reserved_disk_gib), 0)::integer AS disk, count(*)::integer AS n
       FROM instance i JOIN host h ON h.id = i.host_id WHERE i.deleted_at IS NULL`,
  );
  return { claimed, summed };
}
