import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { carry } from '@bellows/engine/proxy/carry';
import type { Caller } from '@bellows/engine/proxy/exchange';
import { bearerCheck, readPassage, type Passage, type Question } from '@bellows/engine/proxy/passage';
import {
  codeHeader,
  tooMany,
  unfitRequest,
  unreachable,
  type EngineProblem,
} from '@bellows/engine/proxy/problem';
import { replyOn, replyProblem } from '@bellows/engine/proxy/reply';
import { cleanRequest, isUnfit, type EngineRequest } from '@bellows/engine/proxy/request';
import { EngineAnswers } from '@bellows/engine/questions/answer';
import { Nonsense } from '@bellows/engine/questions/records';
import type { GuestStreams } from '@bellows/operations/ports/guest-stream';
import { EventWatches } from './event-watches.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { Slots, slotLimits, type SlotLimits } from './slots.js';
import { problemOf } from './unreachable.js';

export interface GatewayOptions {
  readonly secret: string;
  readonly streams: GuestStreams;
  readonly limits?: SlotLimits;
  readonly log?: (message: string, error: unknown) => void;
}

const openWithinMs = 15_000;

/**
 * The one process that reads what guests send: it carries requests that the API has authorised into guests, one
 * stream each, and cleans the answers. It knows no tokens and no database.
 */
export class Gateway {
  readonly metrics = new GatewayMetrics();
  readonly #http: Server;
  readonly #slots: Slots;
  readonly #knows: (authorization: string | undefined) => boolean;
  readonly #open = new Set<AbortController>();
  readonly #events = new EventWatches();

  constructor(private readonly options: GatewayOptions) {
    this.#slots = new Slots(options.limits ?? slotLimits);
    this.#knows = bearerCheck(options.secret);
    // An upload takes as long as it takes; only its head has a time.
    const times = { requestTimeout: 0, headersTimeout: 10_000, keepAliveTimeout: 5_000 };
    this.#http = createServer({ ...times, maxHeaderSize: 32 * 1024 }, (incoming, outgoing) => {
      void this.#handle({ kind: 'call', incoming, outgoing });
    });
    this.#http.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      void this.#handle({ kind: 'upgrade', incoming, socket, head });
    });
  }

  /** @returns `http://HOST:PORT` */
  async listen(host: string, port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen({ host, port, backlog: 1024 }, resolve);
    });
    const { port: given } = this.#http.address() as AddressInfo;
    return `http://${host.includes(':') ? `[${host}]` : host}:${given}`;
  }

  /** Cuts every exchange. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    for (const exchange of this.#open) exchange.abort();
    this.#http.closeAllConnections();
    await closed;
    await this.options.streams.close();
  }

  async #handle(caller: Caller): Promise<void> {
    const { headers, url = '/', rawHeaders, method = '' } = caller.incoming;
    if (!this.#knows(headers.authorization)) return this.#answerOpenly(caller, url);
    const passage = readPassage(headers);
    if (!passage) return this.#refuse(caller, unfitRequest('The request names no instance.'));
    const request = cleanRequest({ method, path: url, rawHeaders });
    if (isUnfit(request)) return this.#refuse(caller, unfitRequest(request.unfit));
    if ((request.upgrade !== null) !== (caller.kind === 'upgrade')) {
      return this.#refuse(caller, unfitRequest('The Upgrade header and the Connection header do not agree.'));
    }
    const leave = this.#slots.take(passage.instanceId, passage.principal);
    if (typeof leave === 'string') return this.#refuse(caller, tooMany(leave));
    const counted = this.metrics.opened(caller.incoming.socket);
    try {
      if (passage.question) await this.#answer(caller, passage, passage.question);
      else await this.#carry(caller, request, passage);
    } catch (error) {
      this.#refuse(caller, problemOf(error));
      if (problemOf(error).status >= 503) this.options.log?.('a guest cannot be reached', error);
    } finally {
      leave();
      counted();
    }
  }

  #carry(caller: Caller, request: EngineRequest, { host, instanceId }: Passage): Promise<void> {
    return this.#whileOpen(caller, async (gone) => {
      const signal = AbortSignal.any([gone, AbortSignal.timeout(openWithinMs)]);
      const far = await this.options.streams.open(host, instanceId, 'docker', signal);
      gone.addEventListener('abort', () => far.destroy());
      if (gone.aborted) return void far.destroy();
      const { how, why } = await carry({ caller, request }, far);
      if (how === 'failed') this.metrics.refused(why === undefined ? 'failed' : 'engine-unreachable');
    });
  }

  /** A question of the cloud's own: what the engine says is read here, and a small record of it goes back. */
  async #answer(caller: Caller, passage: Passage, question: Question): Promise<void> {
    if (caller.kind === 'upgrade') return this.#refuse(caller, unfitRequest('A question is no upgrade.'));
    const { incoming, outgoing } = caller;
    await this.#whileOpen(caller, async (gone) => {
      try {
        if (question === 'events') await this.#tellEvents(incoming, outgoing, passage, gone);
        else await this.#tell(question, outgoing, passage, gone);
      } catch (error) {
        if (gone.aborted) return;
        if (!(error instanceof Nonsense) && !(error instanceof SyntaxError)) throw error;
        this.#refuse(caller, unreachable('The container engine does not answer as one should.'));
      }
    });
  }

  async #tell(
    question: Exclude<Question, 'events'>,
    outgoing: ServerResponse,
    { host, instanceId }: Passage,
    gone: AbortSignal,
  ): Promise<void> {
    const done = new AbortController();
    const signal = AbortSignal.any([gone, done.signal, AbortSignal.timeout(openWithinMs)]);
    const open = () => this.options.streams.open(host, instanceId, 'docker', signal);
    try {
      const record = await new EngineAnswers(open, signal)[question]();
      sendText(outgoing, 'application/json', JSON.stringify(record));
    } finally {
      done.abort();
    }
  }

  /** Goes on until one side has enough. */
  #tellEvents(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { host, instanceId }: Passage,
    gone: AbortSignal,
  ): Promise<void> {
    const since = Number(/[?&]since=(\d{1,15})$/.exec(incoming.url ?? '')?.[1] ?? Date.now());
    const open = (signal: AbortSignal) => this.options.streams.open(host, instanceId, 'docker', signal);
    return this.#events.serve(instanceId, since, open, outgoing, gone);
  }

  async #whileOpen(caller: Caller, work: (gone: AbortSignal) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    const gone = () => abort.abort();
    const line: Duplex | ServerResponse = caller.kind === 'call' ? caller.outgoing : caller.socket;
    this.#open.add(abort);
    line.once('close', gone);
    try {
      await work(abort.signal);
    } finally {
      line.off('close', gone);
      this.#open.delete(abort);
    }
  }

  /** Health and figures are for anyone who reaches the port; nothing else is. */
  #answerOpenly(caller: Caller, url: string): void {
    if (caller.kind === 'call' && caller.incoming.method === 'GET') {
      if (url === '/healthz') return sendText(caller.outgoing, 'application/json', '{"ok":true}');
      if (url === '/metrics') return void this.#sendMetrics(caller.outgoing);
    }
    this.#refuse(caller, {
      status: 401,
      code: 'unauthorized',
      title: 'A valid token is needed',
      detail: 'A bearer is needed.',
    });
  }

  async #sendMetrics(outgoing: ServerResponse): Promise<void> {
    const { registry } = this.metrics;
    sendText(outgoing, registry.contentType, await registry.metrics());
  }

  #refuse(caller: Caller, problem: EngineProblem): void {
    this.metrics.refused(problem.code);
    const outgoing =
      caller.kind === 'call' ? caller.outgoing : replyOn(caller.socket as Socket, caller.incoming);
    if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy();
    replyProblem(outgoing, problem, [[codeHeader, problem.code]]);
  }
}

function sendText(outgoing: ServerResponse, type: string, text: string): void {
  outgoing.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(text) }).end(text);
}
