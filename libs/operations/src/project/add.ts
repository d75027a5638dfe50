import type { Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { Project } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole } from '../views/visible.js';
import { firstQuota } from './default.js';

/** A project with the first quota; admins only. */
export async function addProject(
  cloud: Cloud,
  ask: Ask,
  body: { name: string },
  answer: Answer<Project>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const project: Project = { id: cloud.newId('project'), name: body.name, createdAt: cloud.clock.now() };
  const audit = auditOf(ask, 'project.create', project.id, project.id, project.createdAt);
  return mutate(
    cloud,
    ask,
    [{ change: 'insert-project', project, quota: firstQuota }],
    audit,
    answer(project),
  );
}
