import { isTag, ownerOf } from '@bellows/domain/repository';
import { isRefusal, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Ask, type Cloud } from '../cloud.js';
import type { Images } from '../ports/images.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole, nothingThere } from '../views/visible.js';
import { repositorySeenBy } from './look.js';

/**
 * Takes a tag or a whole repository away; its space comes back with the next collection.
 * @param tag null: the repository.
 */
export async function removeImage(
  cloud: Cloud,
  images: Images,
  ask: Ask,
  name: string,
  tag: string | null,
): Promise<StoredAnswer | Refusal> {
  const kept = await replay(cloud.store, ask.idempotency);
  if (kept) return kept;
  const repository = await repositorySeenBy(images, ask, name);
  if (isRefusal(repository)) return repository;
  const project = ownerOf(name)?.project ?? null;
  const early = lacksRole(ask.principal, project === null ? 'admin' : 'member');
  if (early) return early;
  const there = tag === null || (isTag(tag) && repository.tags.some((one) => one.name === tag));
  if (!there || !(await images.remove(name, tag))) return nothingThere(tag === null ? 'repository' : 'tag');
  const [action, resource] =
    tag === null ? ['registry.repository.delete', name] : ['registry.tag.delete', `${name}:${tag}`];
  const audit = auditOf(ask, action, resource, project, cloud.clock.now());
  return mutate(cloud, ask, [], audit, { status: 204, body: null });
}
