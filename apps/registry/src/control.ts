import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isTag, ownerOf } from '@bellows/domain/repository';
import type { Collector } from './collector.js';
import type { Gate } from './gate.js';
import type { Ledger } from './ledger.js';
import type { StoredImages } from './stored-images.js';

type Answer = readonly [status: number, body?: object];

const largestPage = 500;
const writersLeaveWithinMs = 30_000;

/** What the API asks of the registry's keeper: what is there, take it away, give back space. On loopback only. */
export class Control {
  readonly #http: Server;
  readonly #secretHash: Buffer;

  constructor(
    secret: string,
    private readonly images: StoredImages,
    private readonly ledger: Ledger,
    private readonly gate: Gate,
    private readonly collector: Collector,
  ) {
    this.#secretHash = hashOf(`Bearer ${secret}`);
    this.#http = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (incoming, outgoing) => {
      void this.#handle(incoming, outgoing);
    });
  }

  /** @returns `http://HOST:PORT` */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen({ host, port }, resolve);
    });
    const { port: given } = this.#http.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${given}`;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    await closed;
  }

  async #handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#answer(incoming);
    } catch (error) {
      answer = [503, { error: (error as Error).message }];
    }
    const [status, body] = answer;
    const text = JSON.stringify(body ?? {});
    outgoing
      .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
      .end(text);
    incoming.resume();
  }

  async #answer({ method = '', url = '', headers }: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams: query } = new URL(url, 'http://control');
    if (method === 'GET' && pathname === '/healthz') return [200, { ok: true }];
    if (!timingSafeEqual(hashOf(headers.authorization ?? ''), this.#secretHash)) return [401];
    switch (`${method} ${pathname}`) {
      case 'GET /repositories':
        return this.#list(query);
      case 'GET /repository':
        return this.#describe(query.get('name') ?? '');
      case 'GET /usage':
        return [200, { usedBytes: (await this.ledger.of(namespaceOf(query))).usedBytes }];
      case 'DELETE /repositories':
        return this.#remove(query);
      case 'GET /collections':
        return [200, { last: this.collector.last }];
      case 'POST /collections':
        return [this.collector.start() ? 202 : 409, { last: this.collector.last }];
      default:
        return [404];
    }
  }

  async #list(query: URLSearchParams): Promise<Answer> {
    const after = query.get('after') ?? '';
    const limit = Math.min(Number(query.get('limit') ?? largestPage), largestPage);
    const names = (await this.images.repositories(namespaceOf(query))).filter((name) => name > after);
    const page = names.slice(0, limit);
    const items = [];
    for (const name of page) items.push(await this.images.describe(name));
    return [200, { items, next: names.length > page.length ? page.at(-1) : null }];
  }

  async #describe(name: string): Promise<Answer> {
    const there = ownerOf(name) !== null && (await this.images.has(name));
    return there ? [200, await this.images.describe(name)] : [404];
  }

  /** Alone: nobody pushes to what is being taken away. */
  async #remove(query: URLSearchParams): Promise<Answer> {
    const [name, tag] = [query.get('name') ?? '', query.get('tag')];
    if (!ownerOf(name) || (tag !== null && !isTag(tag))) return [404];
    const removed = await this.gate.alone(
      () => (tag === null ? this.images.removeRepository(name) : this.images.removeTag(name, tag)),
      writersLeaveWithinMs,
    );
    if (removed) this.ledger.recount();
    return [removed ? 200 : 404];
  }
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A namespace is the first part of a name; one that could be no owner's has nothing in it. */
function namespaceOf(query: URLSearchParams): string {
  const text = query.get('namespace') ?? '';
  if (!ownerOf(`${text}/x`)) throw new Error('no such namespace');
  return text;
}
