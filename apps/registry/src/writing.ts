import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDigest } from '@bellows/domain/repository';
import type { Distribution } from './distribution.js';
import type { Gate } from './gate.js';
import type { Account, Ledger } from './ledger.js';
import { allows, tokenService, type Passport } from './passport.js';
import { refusal, Refused, type Refusal } from './refusal.js';
import type { RepositoryRoute } from './route.js';
import { largestManifest, type StoredImages } from './stored-images.js';
import { Uploads } from './uploads.js';
import { carry, type Answered, type Exchange } from './upstream.js';

const collecting = refusal(503, 'UNAVAILABLE', 'The registry gives back space just now; try again.', {
  'retry-after': '5',
});
interface Place {
  readonly account: Account;
  /** Bytes the project may keep. */
  readonly limit: number;
}

const full = (limit: number): Refusal =>
  refusal(403, 'DENIED', `The project's quota for images (${Math.round(limit / 1048576)} MiB) is used up.`);

/** What changes the store: let in only with a token that allows it, while there is room, and counted as it comes. */
export class Writing {
  readonly #uploads = new Uploads();

  constructor(
    private readonly distribution: Pick<Distribution, 'socketPath'>,
    private readonly images: StoredImages,
    private readonly ledger: Ledger,
    private readonly gate: Gate,
  ) {}

  /** @throws Refused */
  async serve(exchange: Exchange, route: RepositoryRoute, passport: Passport | null): Promise<void> {
    const { method = '' } = exchange.incoming;
    const action = method === 'DELETE' && route.kind !== 'upload' ? 'delete' : 'push';
    if (!passport || !allows(passport, route.repository, action)) {
      throw new Refused(challenge(exchange.origin, route.repository, action, passport !== null));
    }
    const leave = this.gate.enter();
    if (!leave) throw new Refused(collecting);
    try {
      const { project } = route.owner;
      const account = await this.ledger.of(project ?? 'library');
      const limit = project === null ? Infinity : (passport.limits[project] ?? 0);
      await this.#write(exchange, route, { account, limit });
    } finally {
      leave();
    }
  }

  #write(exchange: Exchange, route: RepositoryRoute, place: Place): Promise<unknown> {
    const { method } = exchange.incoming;
    if (method === 'DELETE') return this.#remove(exchange, route, place);
    if (route.kind === 'manifest') return this.#manifest(exchange, route, place);
    if (route.kind === 'upload-start') return this.#start(exchange, route, place);
    return this.#upload(exchange, route, place);
  }

  async #remove(exchange: Exchange, route: RepositoryRoute, { account }: Place): Promise<void> {
    const { status } = await this.#carry(exchange, null);
    if (route.kind === 'upload') account.uploading(route.reference, null);
    else if (status < 300) this.ledger.recount();
  }

  /** Also by reference to a blob of another repository ("mount"), which costs as much as sending it. */
  async #start(exchange: Exchange, route: RepositoryRoute, { account, limit }: Place): Promise<void> {
    const mount = queryOf(exchange).get('mount');
    const bytes = mount && !account.has(mount) ? await this.images.blobBytes(mount) : null;
    if (account.usedBytes + (bytes ?? 0) > limit || (mount === null && account.usedBytes >= limit)) {
      throw new Refused(full(limit));
    }
    const claim = `mount ${mount}`;
    account.uploading(claim, bytes ?? 0);
    try {
      const { status } = await this.#carry(exchange, null);
      if (status === 201 && mount) account.keep(mount, bytes ?? 0);
      this.gate.pushing(route.repository);
    } finally {
      account.uploading(claim, null);
    }
  }

  async #upload(exchange: Exchange, route: RepositoryRoute, place: Place): Promise<void> {
    const { method } = exchange.incoming;
    const digest = method === 'PUT' ? queryOf(exchange).get('digest') : null;
    if (digest !== null && !isDigest(digest))
      throw new Refused(refusal(400, 'DIGEST_INVALID', 'sha256 only'));
    const leave = await this.#uploads.enter(route.owner.project ?? '', route.reference);
    try {
      await this.#mend(exchange, route);
      if (method === 'GET') await this.#carry(exchange, null);
      else await this.#receive(exchange, route, place, digest);
    } finally {
      await this.#settle(place.account, route);
      leave();
    }
  }

  async #receive(
    exchange: Exchange,
    { repository, reference: id }: RepositoryRoute,
    { account, limit }: Place,
    digest: string | null,
  ): Promise<void> {
    const soFar = await this.images.uploadBytes(repository, id);
    const meter = metered((bytes) => {
      account.uploading(id, soFar + bytes);
      if (account.usedBytes <= limit) return;
      // Given up: what others are sending at this moment may have its room.
      account.uploading(id, null);
      throw new Refused(full(limit));
    });
    this.gate.pushing(repository);
    try {
      const { status } = await this.#carry(exchange, meter);
      if (digest && status === 201) account.keep(digest, (await this.images.blobBytes(digest)) ?? 0);
    } catch (error) {
      await this.#untilStill(repository, id);
      if (error instanceof Refused && error.refusal.code === 'DENIED') {
        await this.images.forgetUpload(repository, id);
      }
      throw error;
    }
  }

  /**
   * The registry gives an upload up when more has come of it than the client was told, which is so whenever a line was
   * cut: the surplus is taken back first, and the client goes on from where it knows it is.
   */
  async #mend(exchange: Exchange, { repository, reference: id }: RepositoryRoute): Promise<void> {
    const told = offsetIn(queryOf(exchange).get('_state'));
    if (told === null || (await this.images.uploadBytes(repository, id)) <= told) return;
    await this.images.cutUpload(repository, id, told);
  }

  /** The registry hears of a cut line a moment after us, and writes until then. */
  async #untilStill(repository: string, id: string): Promise<void> {
    let before = -1;
    for (let looks = 0; looks < 20; looks++) {
      const bytes = await this.images.uploadBytes(repository, id);
      if (bytes === before) return;
      before = bytes;
      await sleep(50);
    }
  }

  /** What was written of an upload that was cut off stays, so that it can be gone on with; and it counts. */
  async #settle(account: Account, { repository, reference: id }: RepositoryRoute): Promise<void> {
    const bytes = await this.images.uploadBytes(repository, id);
    account.uploading(id, bytes > 0 ? bytes : null);
  }

  async #manifest(exchange: Exchange, route: RepositoryRoute, { account, limit }: Place): Promise<void> {
    const length = exchange.incoming.headers['content-length'];
    if (length === undefined) {
      throw new Refused(refusal(411, 'SIZE_INVALID', 'A manifest is sent with its Content-Length.'));
    }
    const bytes = Number(length);
    if (bytes > largestManifest)
      throw new Refused(refusal(413, 'SIZE_INVALID', 'A manifest has at most 4 MiB.'));
    const claim = `manifest ${route.repository} ${route.reference}`;
    account.uploading(claim, bytes);
    try {
      if (account.usedBytes > limit) throw new Refused(full(limit));
      const { status, headers } = await this.#carry(
        exchange,
        metered(() => undefined),
      );
      const digest = headers['docker-content-digest'];
      if (status !== 201 || typeof digest !== 'string') return;
      account.keep(digest, bytes);
      this.gate.pushed(route.repository);
    } finally {
      account.uploading(claim, null);
    }
  }

  #carry(exchange: Exchange, body: Transform | null): Promise<Answered> {
    return carry(exchange, this.distribution.socketPath, body);
  }
}

const queryOf = ({ incoming }: Exchange): URLSearchParams =>
  new URLSearchParams((incoming.url ?? '').split('?')[1] ?? '');

/**
 * How far the client was told it got: in clear inside the state that the registry gave it (32 bytes of HMAC, then
 * JSON). Not checked here; whoever changes it spoils an upload of its own, and the registry refuses it.
 */
function offsetIn(state: string | null): number | null {
  try {
    const text = Buffer.from(state ?? '', 'base64url')
      .subarray(32)
      .toString('utf8');
    const { Offset } = JSON.parse(text) as { Offset?: unknown };
    return Number.isSafeInteger(Offset) && (Offset as number) >= 0 ? (Offset as number) : null;
  } catch {
    return null;
  }
}

/** @param heard with all bytes so far; may throw, and the stream ends with that. */
function metered(heard: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        heard((bytes += chunk.length));
        done(null, chunk);
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

/** As the registry itself would say it (RFC 6750; Docker's token specification). */
function challenge(origin: string, repository: string, action: string, tooLittle: boolean): Refusal {
  const scope = `repository:${repository}:${action === 'push' ? 'pull,push' : action}`;
  const error = tooLittle ? ',error="insufficient_scope"' : '';
  return refusal(401, 'UNAUTHORIZED', 'This needs a token that allows it.', {
    'www-authenticate': `Bearer realm="${origin}/token",service="${tokenService}",scope="${scope}"${error}`,
  });
}
