import type { TokenId } from '@bellows/domain/ids';
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
  principal(secret: string): Promise<Principal | null> {
    const hash = secretHashOf(secret);
    return this.usable(`secret ${hash}`, () => this.store.tokenBySecretHash(hash));
  }

  /** For a token that was shown in another way than by its secret. Null when it is revoked or expired. */
  principalOf(id: TokenId): Promise<Principal | null> {
    return this.usable(`id ${id}`, async () => (await this.store.tokensById([id]))[0] ?? null);
  }

  private async usable(key: string, read: () => Promise<Token | null>): Promise<Principal | null> {
    const token = await this.token(key, read);
    if (!token || token.revokedAt !== null) return null;
    if (token.expiresAt !== null && token.expiresAt <= this.clock.now()) return null;
    return { actor: token.id, role: token.role, projectId: token.projectId };
  }

  private async token(key: string, read: () => Promise<Token | null>): Promise<Token | null> {
    const now = this.clock.now();
    const known = this.remembered.get(key);
    if (known && known.until > now) return known.token;
    const token = await read();
    if (!token) this.remembered.delete(key);
    else {
      if (this.remembered.size >= mostRemembered) this.remembered.clear();
      this.remembered.set(key, { token, until: now + rememberedMs });
    }
    return token;
  }
}
