import type { ProjectId } from '@bellows/domain/ids';
import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import type { Principal } from '../cloud.js';
import type { QuotaUse } from '../ports/rows.js';
import type { Store } from '../ports/store.js';
import { listScope, nothingThere } from '../views/visible.js';

/** Where an admin's instances go when the request names no project; made at the first start. */
export const defaultProjectId = 'prj-00000000000000000000' as ProjectId;

/** The operator's own project: capacity is its limit. */
export const defaultProjectQuota: QuotaUse = {
  instances: 1_000_000,
  vcpus: 4_000_000,
  ramMib: 2_000_000_000,
  diskGib: 100_000_000,
};

/** What a new project may hold until an admin says otherwise. */
export const firstQuota: QuotaUse = {
  instances: 10_000,
  vcpus: 40_000,
  ramMib: 40_000 * 1024,
  diskGib: 1_000_000,
};

/**
 * The project a new resource belongs to.
 * @param asked project ids the request names, in its query and its body; they must agree.
 */
export async function projectFor(
  store: Store,
  principal: Principal,
  ...asked: readonly (string | undefined)[]
): Promise<ProjectId | Refusal> {
  const named = asked.filter((id) => id !== undefined);
  if (new Set(named).size > 1) return refuse('invalid', 'The request names two different projects.');
  const scope = listScope(principal, named[0]);
  if (isRefusal(scope)) return scope;
  if (scope.projectId === undefined) return defaultProjectId;
  if (scope.projectId === principal.projectId) return scope.projectId;
  return (await store.project(scope.projectId)) ? scope.projectId : nothingThere('project');
}
