import { STATUS_CODES, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { cleanAnswer } from './answer.js';
import { askOn, cut } from './ask.js';
import { badAnswer, isNotHttp, sendHead } from './call.js';
import type { Caller, Ended, Exchange } from './exchange.js';
import { pump } from './pace.js';
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
class UpgradeExchange {
  readonly #asked: ClientRequest;
  readonly #early: EarlyBytes;
  #over = false;
  /** Of what the caller has been sent. */
  #status: number | null = null;
  #answer: IncomingMessage | null = null;

  constructor(
    private readonly exchange: Exchange,
    private readonly caller: Upgrading,
    private readonly far: Duplex,
    private readonly resolve: (ended: Ended) => void,
  ) {
    this.#asked = askOn(far, exchange.request);
    this.#asked.flushHeaders();
    this.#early = new EarlyBytes(caller.socket, this.#asked, exchange.request.bodyBytes ?? 0);
  }

  begin(): void {
    const { socket, head } = this.caller;
    const lost = () => this.#lost();
    socket.on('error', () => this.#end('gone'));
    socket.on('close', () => (wholly(socket) ? undefined : this.#end('gone')));
    this.far.on('error', lost).on('close', lost);
    this.#asked.on('error', (error) => (isNotHttp(error) ? this.#fail(badAnswer) : this.#lost()));
    this.#asked.on('response', (answer: IncomingMessage) => {
      answer.on('error', lost);
      if (!this.#over) this.#refused(answer);
    });
    this.#asked.on('upgrade', (answer: IncomingMessage, _far: Duplex, first: Buffer) =>
      this.#agreed(answer, first),
    );
    if (socket.destroyed) this.#end('gone');
    else this.#early.read(head);
  }

  #agreed(answer: IncomingMessage, first: Buffer): void {
    const { socket } = this.caller;
    const text = this.#over || !this.#early.bodySent ? null : switching(this.exchange, answer);
    if (text === null) return this.#fail(badAnswer);
    this.#status = 101;
    socket.write(text, 'latin1');
    if (first.length > 0) socket.write(first);
    join(this.#early, socket, this.far, () => this.#end('done'));
    pump(this.far, socket, this.exchange.pace);
  }

  #refused(answer: IncomingMessage): void {
    const { socket, incoming } = this.caller;
    this.#early.drop();
    const outgoing = replyOn(socket, incoming);
    if (!sendHead(this.exchange, answer, outgoing)) {
      outgoing.detachSocket(socket as Socket);
      return this.#fail(badAnswer);
    }
    this.#answer = answer;
    this.#status = answer.statusCode!;
    outgoing.on('finish', () => this.#end('done'));
    answer.pipe(outgoing);
  }

  #lost(): void {
    const harmless = this.#status === 101 ? this.far.readableEnded : this.#answer?.complete;
    if (!harmless) this.#fail('The container engine cannot be reached: the connection was lost.');
  }

  #fail(why: string): void {
    const { socket, incoming } = this.caller;
    if (this.#over) return;
    if (this.#status === null) {
      this.#status = 502;
      this.#early.drop();
      replyProblem(replyOn(socket, incoming), unreachable(why), [[codeHeader, 'engine-unreachable']]);
    } else socket.destroy();
    this.#end('failed', why);
  }

  #end(how: Ended['how'], why?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#asked.destroy();
    if (how === 'done') this.far.destroy();
    else cut(this.far);
    if (this.#status === 101) this.caller.socket.destroy();
    this.resolve({ how, status: this.#status, why });
  }
}

export const carryUpgrade = (exchange: Exchange, caller: Upgrading, far: Duplex): Promise<Ended> =>
  new Promise((resolve) => new UpgradeExchange(exchange, caller, far, resolve).begin());

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
  early.passTo(far);
}
