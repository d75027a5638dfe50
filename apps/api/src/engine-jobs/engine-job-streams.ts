import type { FastifyReply, FastifyRequest } from 'fastify';
import type { InstanceId, TokenId } from '@bellows/domain/ids';
import { refuse, type Refusal } from '@bellows/domain/refusal';
import type { EngineJob, EngineJobRecords } from '@bellows/operations/ports/engine-jobs';
import type { OpenStreams } from '../docker/open-streams.js';
import type { EngineWatchers } from './engine-watchers.js';
import { engineJobView } from './engine-job.view.js';
import type { EngineJobFeed } from './feed.js';
import { beginning, Teller, type Beginning } from './follow.js';

const mostOfAToken = 32;
const mostOfAll = 2_000;

export interface StreamAsk {
  readonly instanceId: InstanceId;
  readonly tokenId: string;
  /** Jobs that come first, when nothing was seen before. */
  readonly limit: number;
  readonly shows: (job: EngineJob) => boolean;
}

/** Who follows engine jobs in this process. */
export class EngineJobStreams {
  readonly #open = new Map<string, number>();
  readonly #stopped = new AbortController();
  #count = 0;

  constructor(
    private readonly store: Pick<EngineJobRecords, 'engineJobsBehind'>,
    private readonly feed: EngineJobFeed,
    private readonly watchers: EngineWatchers,
    private readonly tokens: Pick<OpenStreams, 'add'>,
    private readonly trouble: (error: unknown) => void,
  ) {}

  /** Answers with a stream that lasts until one side has enough; or says why not. */
  async open(request: FastifyRequest, reply: FastifyReply, ask: StreamAsk): Promise<Refusal | null> {
    const { instanceId, tokenId, limit } = ask;
    const own = this.#open.get(tokenId) ?? 0;
    if (own >= mostOfAToken || this.#count >= mostOfAll) {
      return refuse('rate-limited', `At most ${mostOfAToken} streams of engine jobs at once.`, {
        limit: mostOfAToken,
      });
    }
    const behind = (jobs: number) => this.store.engineJobsBehind(instanceId, jobs);
    const given = request.headers['last-event-id'];
    const lastEventId = typeof given === 'string' && given !== '' ? given : null;
    this.#open.set(tokenId, own + 1);
    this.#count += 1;
    try {
      const from = await beginning(this.feed, behind, instanceId, lastEventId, limit);
      await this.#tell(reply, ask, from);
    } finally {
      this.#count -= 1;
      const left = (this.#open.get(tokenId) ?? 1) - 1;
      if (left === 0) this.#open.delete(tokenId);
      else this.#open.set(tokenId, left);
    }
    return null;
  }

  /** Ends every stream. */
  stop(): void {
    this.#stopped.abort();
  }

  async #tell(
    reply: FastifyReply,
    { instanceId, tokenId, shows }: StreamAsk,
    from: Beginning,
  ): Promise<void> {
    reply.hijack();
    const out = reply.raw;
    const gone = new AbortController();
    out.once('close', () => gone.abort()).on('error', () => gone.abort());
    if (out.destroyed) return;
    const cut = () => void out.destroy();
    const forget = this.tokens.add({ tokenId: tokenId as TokenId, instanceId: null, until: null, cut });
    const leave = this.watchers.hold(instanceId);
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) out.setHeader(name, value);
    out.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const signal = AbortSignal.any([gone.signal, this.#stopped.signal]);
    try {
      await new Teller(this.feed, out, { instanceId, ...from, shows, view: engineJobView }, signal).run();
    } catch (error) {
      // The reader connects again, and goes on where it was.
      this.trouble(error);
    } finally {
      leave();
      forget();
      out.end();
    }
  }
}
