import { STATUS_CODES, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { cleanAnswer } from './answer.js';
import { askOn, cut } from './ask.js';
import { badAnswer, sendHead } from './call.js';
import type { Caller, Ended, Exchange } from './exchange.js';
import { codeHeader, unreachable } from './problem.js';
import { replyOn, replyProblem } from './reply.js';

type Upgrading = Extract<Caller, { kind: 'upgrade' }>;

/** What a caller may send before the other side has said that it changes the protocol. */
const mostEarlyBytes = 64 * 1024;

/**
 * What a caller sends before the answer: first the request's own body, which goes on; then bytes of the new
 * protocol, which are held. Were they sent, an engine that does not upgrade would read them as a second request,
 * which nobody has looked at.
 */
class EarlyBytes {
  readonly #held: Buffer[] = [];
  #heldBytes = 0;
  #ended = false;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onEnd = (): void => void (this.#ended = true);

  constructor(
    private readonly socket: Duplex,
    private readonly asked: ClientRequest,
    private bodyLeft: number,
  ) {
    if (bodyLeft === 0) asked.end();
  }

  get bodySent(): boolean {
    return this.bodyLeft === 0;
  }

  read(head: Buffer): void {
    if (head.length > 0) this.#take(head);
    this.socket.on('data', this.#onData).on('end', this.#onEnd);
  }

  /** Hands the connection over: what was held goes first. */
  passTo(far: Duplex): void {
    this.socket.off('data', this.#onData).off('end', this.#onEnd);
    this.socket.pause();
    for (const chunk of this.#held) far.write(chunk);
    if (this.#ended) far.end();
    else this.socket.pipe(far);
  }

  /** Whatever follows is nobody's. */
  drop(): void {
    this.socket.off('data', this.#onData).off('end', this.#onEnd);
    this.#held.length = 0;
    this.socket.resume();
  }

  #take(chunk: Buffer): void {
    const body = chunk.subarray(0, this.bodyLeft);
    const rest = chunk.subarray(body.length);
    if (body.length > 0) {
      this.bodyLeft -= body.length;
      if (this.bodyLeft === 0) this.asked.end(body);
      else this.asked.write(body);
    }
    if (rest.length === 0) return;
    this.#held.push(rest);
    this.#heldBytes += rest.length;
    if (this.#heldBytes >= mostEarlyBytes) this.socket.pause();
  }
}

/** The head of a 101: the caller's protocol from here on. Null when that is not what was asked for. */
function switching({ request, sign }: Exchange, { headers, rawHeaders }: IncomingMessage): string | null {
  if (headers.upgrade?.toLowerCase() !== request.upgrade) return null;
  const head = cleanAnswer({ status: 101, rawHeaders, hasBody: false });
  if (!head) return null;
  const own = [['Connection', 'Upgrade'], ['Upgrade', request.upgrade], ...(sign?.(101, rawHeaders) ?? [])];
  const lines = [...head.headers, ...own].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 101 ${STATUS_CODES[101]}\r\n${lines.join('')}\r\n`;
}

/** A request for another protocol: a stream both ways when the engine agrees, an answer like any other when not. */
export function carryUpgrade(exchange: Exchange, caller: Upgrading, far: Duplex): Promise<Ended> {
  const { socket, incoming, head } = caller;
  return new Promise((resolve) => {
    const asked = askOn(far, exchange.request);
    asked.flushHeaders();
    const early = new EarlyBytes(socket, asked, exchange.request.bodyBytes ?? 0);
    let over = false;
    let status: number | null = null;
    let answer: IncomingMessage | null = null;
    const end = (how: Ended['how'], why?: string): void => {
      if (over) return;
      over = true;
      asked.destroy();
      if (how === 'done') far.destroy();
      else cut(far);
      if (status === 101) socket.destroy();
      resolve({ how, status, why });
    };
    const fail = (why: string): void => {
      if (over) return;
      if (status === null) {
        status = 502;
        early.drop();
        replyProblem(replyOn(socket, incoming), unreachable(why), [[codeHeader, 'engine-unreachable']]);
      } else socket.destroy();
      end('failed', why);
    };
    const lost = (): void => {
      const harmless = status === 101 ? far.readableEnded : answer?.complete;
      if (!harmless) fail('The container engine cannot be reached: the connection was lost.');
    };
    socket.on('error', () => end('gone'));
    socket.on('close', () => (wholly(socket) ? undefined : end('gone')));
    far.on('error', lost).on('close', lost);
    asked.on('error', (error: NodeJS.ErrnoException) =>
      error.code?.startsWith('HPE_') ? fail(badAnswer) : lost(),
    );
    asked.on('response', (came: IncomingMessage) => {
      came.on('error', lost);
      if (over) return;
      early.drop();
      const outgoing = replyOn(socket, incoming);
      if (!sendHead(exchange, came, outgoing)) {
        outgoing.detachSocket(socket as Socket);
        return fail(badAnswer);
      }
      answer = came;
      status = answer.statusCode!;
      outgoing.on('finish', () => end('done'));
      answer.pipe(outgoing);
    });
    asked.on('upgrade', (came: IncomingMessage, _far: Duplex, first: Buffer) => {
      const text = over || !early.bodySent ? null : switching(exchange, came);
      if (text === null) return fail(badAnswer);
      status = 101;
      socket.write(text, 'latin1');
      if (first.length > 0) socket.write(first);
      join(early, socket, far, () => end('done'));
    });
    early.read(head);
  });
}

const wholly = (stream: Duplex): boolean => stream.readableEnded && stream.writableFinished;

/** How long the last bytes of a caller that has closed wait for an engine that does not take them. */
const lastBytesMs = 10_000;

/** Each side's end is passed on as an end; when both have come, it is over. */
function join(early: EarlyBytes, socket: Duplex, far: Duplex, done: () => void): void {
  const check = (): void => {
    if (socket.writableFinished && (far.writableFinished || far.closed)) done();
  };
  socket.once('finish', check).once('close', () => setTimeout(done, lastBytesMs).unref());
  far.once('finish', check).once('close', check);
  far.pipe(socket);
  early.passTo(far);
}
