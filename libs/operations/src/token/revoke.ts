import { looksLikeId, type TokenId } from '@bellows/domain/ids';
import type { Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Ask, type Cloud } from '../cloud.js';
import type { Token } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { lacksRole, nothingThere } from '../views/visible.js';

/** Takes effect everywhere within the few seconds that processes remember a token for. */
export async function revokeToken(cloud: Cloud, ask: Ask, id: string): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'owner') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const token = looksLikeId('token', id) ? await tokenSeenBy(cloud, ask, id) : null;
  if (!token) return nothingThere('token');
  const at = cloud.clock.now();
  const audit = auditOf(ask, 'token.revoke', token.id, token.projectId, at);
  const none = { status: 204, body: null };
  return mutate(cloud, ask, [{ change: 'revoke-token', id: token.id, at }], audit, none);
}

/** The store has no read by id: a project has few tokens, so its pages are looked through. */
async function tokenSeenBy(cloud: Cloud, ask: Ask, id: string): Promise<Token | null> {
  const projectId = ask.principal.projectId ?? undefined;
  let cursor: string | null = null;
  do {
    const page = await cloud.store.tokens({ limit: 500, cursor, projectId });
    const found = page.items.find((token) => token.id === (id as TokenId) && token.revokedAt === null);
    if (found) return found;
    cursor = page.nextCursor;
  } while (cursor !== null);
  return null;
}
