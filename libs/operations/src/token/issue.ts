import { isRefusal, refuse, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { EpochMs, Role, Token } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { projectFor } from '../project/default.js';
import { lacksRole } from '../views/visible.js';
import { secretHashOf } from './secret.js';

export interface IssueTokenAsk {
  readonly projectId?: string;
  readonly role: Exclude<Role, 'admin'>;
  readonly name: string;
  readonly expiresAt?: EpochMs;
}

/** @param secret shown in the answer this once; the store keeps its hash. Owners and admins only. */
export async function issueToken(
  cloud: Cloud,
  ask: Ask,
  body: IssueTokenAsk,
  secret: string,
  answer: Answer<Token>,
): Promise<StoredAnswer | Refusal> {
  const early = lacksRole(ask.principal, 'owner') ?? (await replay(cloud.store, ask.idempotency));
  if (early) return early;
  const projectId = await projectFor(cloud.store, ask.principal, body.projectId);
  if (isRefusal(projectId)) return projectId;
  const now = cloud.clock.now();
  const expiresAt = body.expiresAt ?? null;
  if (expiresAt !== null && expiresAt <= now) {
    const pointer = { pointer: '/expiresAt', detail: 'must be in the future' };
    return refuse('invalid', 'The token would have expired already.', undefined, [pointer]);
  }
  const { role, name } = body;
  const id = cloud.newId('token');
  const token: Token = { id, projectId, role, name, createdAt: now, expiresAt, revokedAt: null };
  const change = { change: 'insert-token', token, secretHash: secretHashOf(secret) } as const;
  return mutate(cloud, ask, [change], auditOf(ask, 'token.create', id, projectId, now), answer(token));
}
