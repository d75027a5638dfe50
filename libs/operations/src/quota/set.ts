import { looksLikeId, type ProjectId } from '@bellows/domain/ids';
import type { Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Quota, QuotaUse } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole, nothingThere, sees } from '../views/visible.js';

/** A limit below what is used stands: it only keeps the project from growing. */
export async function setQuota(
  cloud: Cloud,
  ask: Ask,
  id: string,
  { registryMib, ...limit }: Partial<QuotaUse> & { readonly registryMib?: number },
  answer: Answer<Quota>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const quota = await quotaSeenBy(cloud, ask, id);
  if ('refused' in quota) return quota;
  const registryLimitMib = registryMib ?? quota.registryLimitMib;
  const next: Quota = { ...quota, limit: { ...quota.limit, ...limit }, registryLimitMib };
  const audit = auditOf(ask, 'quota.set', quota.projectId, quota.projectId, cloud.clock.now());
  const { projectId } = quota;
  const change = {
    change: 'set-quota',
    projectId,
    limit: next.limit,
    registryMib: registryLimitMib,
  } as const;
  return mutate(cloud, ask, [change], audit, answer(next));
}

export async function quotaSeenBy(cloud: Cloud, ask: Ask, id: string): Promise<Quota | Refusal> {
  if (!looksLikeId('project', id) || !sees(ask.principal, id as ProjectId)) return nothingThere('project');
  return (await cloud.store.quota(id as ProjectId)) ?? nothingThere('project');
}
