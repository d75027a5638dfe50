import type { IpPoolId, ProjectId } from '@bellows/domain/ids';
import { firstCatalogue } from '@bellows/domain/plan';
import type { Cloud } from '../cloud.js';
import type { IpPool } from '../ports/rows.js';
import type { Change, Store } from '../ports/store.js';
import { defaultProjectId, defaultProjectQuota } from '../project/default.js';
import { secretHashOf } from '../token/secret.js';

/** Already there, because another process got there first, is as good as done. */
async function ensure(store: Store, change: Change): Promise<void> {
  const result = await store.commit([change]);
  if (!result.ok && result.why !== 'exists') {
    throw new Error(`the first ${change.change} was refused: ${result.why}`);
  }
}

/** Private addresses of the guests; public ones of the benchmarking range (RFC 2544), to be replaced by real ones. */
const firstPools: readonly Omit<IpPool, 'id' | 'zone' | 'used'>[] = [
  { cidr: '10.77.0.0/16', gateway: '10.77.0.1', kind: 'private', mode: 'routed', size: 65_533 },
  { cidr: '198.18.0.0/16', gateway: '198.18.0.1', kind: 'public', mode: 'routed', size: 65_533 },
];

/**
 * What a new cloud has on its first day: a project, a catalogue, images and addresses. Plans and pools that an
 * operator has changed or removed since are left alone. Fixed ids make it safe when several processes start at once.
 */
export async function ensureFirstCatalogue(cloud: Cloud): Promise<void> {
  const { store } = cloud;
  if (await store.project(defaultProjectId)) return;
  if ((await store.plans()).length === 0) {
    for (const plan of firstCatalogue) await ensure(store, { change: 'put-plan', plan, mode: 'insert' });
  }
  if ((await store.images()).length === 0) {
    for (const [name, minRamMib] of [
      ['debian-12', 512],
      ['debian-12-micro', 256],
    ] as const) {
      const image = {
        id: cloud.newId('image'),
        name,
        diskFormat: 'raw',
        minDiskGib: 2,
        minRamMib,
        os: 'debian',
      } as const;
      await ensure(store, { change: 'put-image', image });
    }
  }
  if ((await store.ipPools()).length === 0) {
    for (const [index, pool] of firstPools.entries()) {
      const id = `pool-${String(index + 1).padStart(20, '0')}` as IpPoolId;
      await ensure(store, { change: 'insert-ip-pool', pool: { ...pool, id, zone: null, used: 0 } });
    }
  }
  // Last: its presence says that all of the above is there.
  const project = { id: defaultProjectId as ProjectId, name: 'default', createdAt: cloud.clock.now() };
  await ensure(store, { change: 'insert-project', project, quota: defaultProjectQuota });
}

/** The admin's secret can always be used, whatever happened to the database. */
export async function ensureAdminToken(cloud: Cloud, secret: string): Promise<void> {
  const secretHash = secretHashOf(secret);
  if (await cloud.store.tokenBySecretHash(secretHash)) return;
  const token = {
    id: cloud.newId('token'),
    projectId: null,
    role: 'admin',
    name: 'admin',
    createdAt: cloud.clock.now(),
    expiresAt: null,
    revokedAt: null,
  } as const;
  await ensure(cloud.store, { change: 'insert-token', token, secretHash });
}
