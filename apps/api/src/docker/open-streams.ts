import type { InstanceId, TokenId } from '@bellows/domain/ids';
import type { InstanceState } from '@bellows/domain/lifecycle';
import type { Cloud } from '@bellows/operations/cloud';
import type { EpochMs } from '@bellows/operations/ports/rows';

/** An exchange with a guest's engine that is under way. */
export interface OpenStream {
  readonly tokenId: TokenId;
  /** Null: whether an instance runs is nothing to it. */
  readonly instanceId: InstanceId | null;
  /** When what let it in expires, beside the token; null: never. */
  readonly until: EpochMs | null;
  cut(): void;
}

/** In these the guest runs, and what runs in it can be reached. */
export const reachable: readonly InstanceState[] = ['running', 'migrating'];

const lookEveryMs = 1_000;

/**
 * What is open, and whether it still may be: a request is authorised once, but a stream can last for days. A token
 * that is revoked or expires, a certificate that expires and an instance that stops end theirs within about a second.
 */
export class OpenStreams {
  readonly #open = new Set<OpenStream>();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly cloud: Pick<Cloud, 'store' | 'clock'>,
    private readonly trouble: (error: unknown) => void,
  ) {}

  /** Of those into guests. */
  get size(): number {
    return [...this.#open].filter(({ instanceId }) => instanceId !== null).length;
  }

  /** @returns to be called when the stream has ended. */
  add(stream: OpenStream): () => void {
    this.#open.add(stream);
    this.#timer ??= setTimeout(() => void this.#look(), lookEveryMs).unref();
    return () => this.#open.delete(stream);
  }

  cutAll(): void {
    for (const stream of this.#open) stream.cut();
  }

  async #look(): Promise<void> {
    try {
      await this.#cutWhatMayNot();
    } catch (error) {
      // While the database is away nobody can revoke anything either.
      this.trouble(error);
    }
    this.#timer = this.#open.size > 0 ? setTimeout(() => void this.#look(), lookEveryMs).unref() : null;
  }

  async #cutWhatMayNot(): Promise<void> {
    const { store, clock } = this.cloud;
    const streams = [...this.#open];
    const [tokens, instances] = await Promise.all([
      store.tokensById([...new Set(streams.map(({ tokenId }) => tokenId))]),
      store.instancesById([...new Set(streams.flatMap(({ instanceId }) => instanceId ?? []))]),
    ]);
    const now = clock.now();
    const valid = tokens.filter(
      ({ revokedAt, expiresAt }) => revokedAt === null && (expiresAt === null || expiresAt > now),
    );
    const usable = new Set(valid.map(({ id }) => id));
    const there = new Set(instances.filter(({ state }) => reachable.includes(state)).map(({ id }) => id));
    for (const stream of streams) {
      const late = stream.until !== null && stream.until <= now;
      const stopped = stream.instanceId !== null && !there.has(stream.instanceId);
      if (late || stopped || !usable.has(stream.tokenId)) stream.cut();
    }
  }
}
