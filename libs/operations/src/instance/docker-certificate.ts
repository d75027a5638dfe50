import type { InstanceId, TokenId } from '@bellows/domain/ids';
import { refuse, type Refusal } from '@bellows/domain/refusal';
import { auditOf, mutate, replay, type Answer, type Ask, type Cloud } from '../cloud.js';
import type { EpochMs } from '../ports/rows.js';
import type { StoredAnswer } from '../ports/store.js';
import { nothingThere, sees } from '../views/visible.js';

/** Whom a docker certificate stands for: a token, at one instance, for a while. */
export interface DockerIdentity {
  readonly instanceId: InstanceId;
  readonly tokenId: TokenId;
  readonly expiresAt: EpochMs;
}

/** PEM, all three. */
export interface DockerCertificate {
  /** Of the authorities that may have signed the port's own certificate. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export type MintDockerCertificate = (identity: DockerIdentity) => Promise<DockerCertificate>;

/**
 * A certificate stands for the token that asks for it and can do no more and live no longer than it: a viewer may
 * have one, too, and may look with it. @param ttlMs how long it is good for, at most.
 * @param mint null where there is no port to show it at.
 */
export async function issueDockerCertificate(
  cloud: Cloud,
  ask: Ask,
  id: InstanceId,
  ttlMs: number,
  mint: MintDockerCertificate | null,
  answer: Answer<DockerCertificate & { expiresAt: EpochMs }>,
): Promise<StoredAnswer | Refusal> {
  const early = await replay(cloud.store, ask.idempotency);
  if (early) return early;
  const instance = await cloud.store.instance(id);
  if (!instance || !sees(ask.principal, instance.projectId) || instance.state === 'deleted') {
    return nothingThere('instance');
  }
  if (!mint) {
    return refuse('wrong-state', 'This cloud has no docker port open; use the path and the header.');
  }
  const tokenId = ask.principal.actor as TokenId;
  const [token] = await cloud.store.tokensById([tokenId]);
  const now = cloud.clock.now();
  // A certificate knows whole seconds.
  const expiresAt = Math.floor(Math.min(now + ttlMs, token?.expiresAt ?? Infinity) / 1000) * 1000;
  const minted = await mint({ instanceId: id, tokenId, expiresAt });
  const audit = auditOf(ask, 'instance.docker-certificate.create', id, instance.projectId, now);
  return mutate(cloud, ask, [], audit, answer({ ...minted, expiresAt }));
}
