import type { Principal } from '../cloud.js';
import type { Clock } from '../ports/clock.js';
import type { Token } from '../ports/rows.js';
import type { Store } from '../ports/store.js';
import { secretHashOf } from './secret.js';

/** A revoked token is honoured no longer than this. */
const rememberedMs = 3_000;
const mostRemembered = 10_000;

/** Turns a bearer secret into a principal, and remembers the answer for a few seconds. */
export class Authenticator {
  private readonly remembered = new Map<string, { token: Token; until: number }>();

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {}

  /** Null when the secret is unknown, revoked or expired. */
  async principal(secret: string): Promise<Principal | null> {
    const token = await this.token(secretHashOf(secret));
    if (!token || token.revokedAt !== null) return null;
    if (token.expiresAt !== null && token.expiresAt <= this.clock.now()) return null;
    return { actor: token.id, role: token.role, projectId: token.projectId };
  }

  private async token(hash: string): Promise<Token | null> {
    const now = this.clock.now();
    const known = this.remembered.get(hash);
    if (known && known.until > now) return known.token;
    const token = await this.store.tokenBySecretHash(hash);
    if (!token) this.remembered.delete(hash);
    else {
      if (this.remembered.size >= mostRemembered) this.remembered.clear();
      this.remembered.set(hash, { token, until: now + rememberedMs });
    }
    return token;
  }
}
