import { refuse, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Ask, type Cloud } from '../cloud.js';
import type { Images } from '../ports/images.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole } from '../views/visible.js';

/** Gives back the space of what no tag names, as soon as nobody pushes; admins only. */
export async function collectImages(
  cloud: Cloud,
  images: Images,
  ask: Ask,
  answer: StoredAnswer,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'admin') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  if (!(await images.collect())) return refuse('conflict', 'A collection is under way.');
  const audit = auditOf(ask, 'registry.collect', 'registry', null, cloud.clock.now());
  return mutate(cloud, ask, [], audit, answer);
}
