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
import { carry, type Answered, type Exchange } from './upstream.js';

/** Of one project at once; docker sends five layers side by side, skopeo six. */
const mostUploads = 64;
const collecting = refusal(503, 'UNAVAILABLE', 'The registry gives back space just now; try again.', {
  'retry-after': '5',
});
const tooManyUploads = refusal(429, 'TOOMANYREQUESTS', `At most ${mostUploads} uploads at once.`);
/** A client that has its answer goes on at once; the request before is settled a moment later. */
const settledWithinMs = 2_000;
const twoWriters = refusal(400, 'BLOB_UPLOAD_INVALID', 'Another request writes to this upload.');

interface Place {
  readonly account: Account;
  /** Bytes the project may keep. */
  readonly limit: number;
}

const full = (limit: number): Refusal =>
  refusal(403, 'DENIED', `The project's quota for images (${Math.round(limit / 1048576)} MiB) is used up.`);

/** What changes the store: let in only with a token that allows it, while there is room, and counted as it comes. */
export class Writing {
  readonly #writers = new Map<string, Promise<void>>();
  readonly #uploadsOf = new Map<string, number>();

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

  async #upload(exchange: Exchange, route: RepositoryRoute, { account, limit }: Place): Promise<void> {
    const { repository, reference: id } = route;
    const owner = route.owner.project ?? '';
    const digest = exchange.incoming.method === 'PUT' ? queryOf(exchange).get('digest') : null;
    if (digest !== null && !isDigest(digest))
      throw new Refused(refusal(400, 'DIGEST_INVALID', 'sha256 only'));
    const leave = await this.#occupy(id);
    const going = this.#uploadsOf.get(owner) ?? 0;
    if (going >= mostUploads) {
      leave();
      throw new Refused(tooManyUploads);
    }
    this.#uploadsOf.set(owner, going + 1);
    try {
      const soFar = await this.images.uploadBytes(repository, id);
      const meter = metered((bytes) => {
        account.uploading(id, soFar + bytes);
        if (account.usedBytes > limit) throw new Refused(full(limit));
      });
      const { status } = await this.#carry(exchange, meter);
      if (digest && status === 201) account.keep(digest, (await this.images.blobBytes(digest)) ?? 0);
      this.gate.pushing(repository);
    } catch (error) {
      if (error instanceof Refused && error.refusal.code === 'DENIED') {
        await this.images.forgetUpload(repository, id);
      }
      throw error;
    } finally {
      await this.#settle(account, repository, id);
      leave();
      const left = this.#uploadsOf.get(owner)! - 1;
      if (left > 0) this.#uploadsOf.set(owner, left);
      else this.#uploadsOf.delete(owner);
    }
  }

  /** @returns to be called on leaving. @throws Refused where another request goes on writing to the upload. */
  async #occupy(id: string): Promise<() => void> {
    const before = this.#writers.get(id);
    if (before) await Promise.race([before, sleep(settledWithinMs, undefined, { ref: false })]);
    if (this.#writers.has(id)) throw new Refused(twoWriters);
    let left: () => void = () => undefined;
    this.#writers.set(id, new Promise((resolve) => (left = resolve)));
    return () => {
      this.#writers.delete(id);
      left();
    };
  }

  /** What was written of an upload that was cut off stays, so that it can be gone on with; and it counts. */
  async #settle(account: Account, repository: string, id: string): Promise<void> {
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
