import type { ProjectId } from '@bellows/domain/ids';
import { ownerOf } from '@bellows/domain/repository';
import type { Cloud, Principal } from '../cloud.js';
import { granted, type Grant } from './grants.js';

/** What a token of the registry will say. */
export interface RegistryAccess {
  readonly access: readonly Grant[];
  /** Bytes each project may keep that the token may push to. */
  readonly limits: Readonly<Record<ProjectId, number>>;
}

const mib = 1024 * 1024;

/**
 * What of the asked scopes the principal gets (null: somebody without a token). Whoever gets the right to delete is
 * written down: the registry's own protocol has no other place where we would hear of it.
 */
export async function registryAccess(
  cloud: Pick<Cloud, 'store' | 'clock'>,
  principal: Principal | null,
  asked: readonly Grant[],
  requestId: string | null,
): Promise<RegistryAccess> {
  const access = granted(principal, asked);
  const limits: Record<ProjectId, number> = {};
  for (const { type, name, actions } of access) {
    const project = type === 'repository' ? (ownerOf(name)?.project ?? null) : null;
    if (project === null || project in limits || !actions.includes('push')) continue;
    const quota = await cloud.store.quota(project);
    limits[project] = quota ? quota.registryLimitMib * mib : 0;
  }
  await writeDown(cloud, principal, access, requestId);
  return { access, limits };
}

async function writeDown(
  cloud: Pick<Cloud, 'store' | 'clock'>,
  principal: Principal | null,
  access: readonly Grant[],
  requestId: string | null,
): Promise<void> {
  const deletes = access.filter(({ actions }) => actions.includes('delete'));
  if (!principal || deletes.length === 0) return;
  const { actor } = principal;
  const at = cloud.clock.now();
  const action = 'registry.delete-token';
  await cloud.store.commit(
    deletes.map(({ name }) => {
      const projectId = ownerOf(name)?.project ?? null;
      return { change: 'audit', entry: { actor, projectId, action, resource: name, requestId, at } } as const;
    }),
  );
}
